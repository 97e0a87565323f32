// What a tree node remembers about the events below it.
//
//   states | state of layout column 0 | of column 1 | ...       filled | 0 or 1 | ...
//
// Filled state by state, when a read first needs one. No memory until then.

struct Tile {
    private var states: UnsafeMutablePointer<ColumnAccumulator>?
    private var filled: UnsafeMutablePointer<Bool>?
    private var count: Int32 = 0
    private var isAnyFilled = false

    @inline(__always)
    func isFilled(_ place: Int) -> Bool { isAnyFilled && filled.unsafelyUnwrapped[place] }

    @inline(__always)
    subscript(place: Int) -> ColumnAccumulator {
        _read { yield states.unsafelyUnwrapped[place] }
    }

    /// - Parameter count: how many states the layout has.
    /// - Returns: the bytes that were allocated.
    mutating func set(_ place: Int, _ state: ColumnAccumulator, count: Int) -> Int {
        var allocated = 0
        if states == nil {
            states = .allocate(capacity: count)
            states?.initialize(repeating: ColumnAccumulator(), count: count)
            filled = .allocate(capacity: count)
            filled?.initialize(repeating: false, count: count)
            self.count = Int32(truncatingIfNeeded: count)
            allocated = count * (MemoryLayout<ColumnAccumulator>.stride + 1)
        }
        states.unsafelyUnwrapped[place] = state
        filled.unsafelyUnwrapped[place] = true
        isAnyFilled = true
        return allocated
    }

    @inline(__always)
    mutating func forget() {
        guard isAnyFilled else { return }
        isAnyFilled = false
        filled?.update(repeating: false, count: Int(count))
    }

    mutating func free() {
        states?.deinitialize(count: Int(count))
        states?.deallocate()
        filled?.deallocate()
        self = Tile()
    }
}
