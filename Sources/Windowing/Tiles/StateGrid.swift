/// A state that nodes remember.
protocol TileState {
    /// About how many bytes it holds outside of itself, for the memory budget.
    var heapBytes: Int { get }
}

/// States of one kind for each child of a node: `stride` of them a child, filled one by one. No memory until the first one.
/// Must be `free`d by its owner.
struct StateGrid<State: TileState> {
    private var states: UnsafeMutablePointer<State>?
    private var filled: UnsafeMutablePointer<Bool>?
    private var capacity: Int32 = 0
    private var stride: Int32 = 0

    @inline(__always)
    func isFilled(_ child: Int, _ place: Int) -> Bool {
        guard let filled else { return false }
        return filled[child * Int(stride) + place]
    }

    /// A filled state, where it stands.
    @inline(__always)
    func state(_ child: Int, _ place: Int) -> UnsafePointer<State> {
        UnsafePointer(states.unsafelyUnwrapped + child * Int(stride) + place)
    }

    /// - Parameters:
    ///   - capacity: how many children the node can have.
    ///   - stride: how many states each has.
    /// - Returns: the bytes that were allocated.
    mutating func set(_ child: Int, _ place: Int, _ state: consuming State, capacity: Int, stride: Int) -> Int {
        var allocated = 0
        if states == nil {
            self.capacity = Int32(truncatingIfNeeded: capacity)
            self.stride = Int32(truncatingIfNeeded: stride)
            states = .allocate(capacity: capacity * stride)
            filled = .allocate(capacity: capacity * stride)
            filled?.initialize(repeating: false, count: capacity * stride)
            allocated = capacity * stride * (MemoryLayout<State>.stride + 1)
        }
        allocated += state.heapBytes
        (states.unsafelyUnwrapped + child * stride + place).initialize(to: state)
        filled.unsafelyUnwrapped[child * stride + place] = true
        return allocated
    }

    /// Forgets what is known about a child.
    ///
    /// - Returns: the bytes that were given back.
    @inline(__always)
    mutating func forget(_ child: Int) -> Int {
        guard let filled, let states else { return 0 }
        var freed = 0
        let start = child * Int(stride)
        for place in start..<(start + Int(stride)) where filled[place] {
            freed += states[place].heapBytes
            (states + place).deinitialize(count: 1)
            filled[place] = false
        }
        return freed
    }

    /// Makes room for a child at `index`, nothing known about it, among `count` children.
    mutating func insert(at index: Int, count: Int) {
        guard let states, let filled else { return }
        let each = Int(stride)
        var place = count * each
        while place > index * each {
            place -= 1
            filled[place + each] = filled[place]
            if filled[place] { (states + place + each).moveInitialize(from: states + place, count: 1) }
        }
        (filled + index * each).update(repeating: false, count: each)
    }

    mutating func free() {
        for child in 0..<Int(capacity) { _ = forget(child) }
        states?.deallocate()
        filled?.deallocate()
        self = StateGrid()
    }
}
