// The least or the greatest value of nested windows that move forward: a queue in which only those events stand that some
// window may still be asked for.
//
//   events    5   9   2   7   4   3        a maximum: what has a greater one after it never comes out again
//   queue         9       7   4   3
//   windows       ^       ^                where each window's own events begin in the queue: its maximum stands there

/// One queue for all windows of a group over one column. Must be `free`d by its owner.
struct ExtremeQueue {
    private var capacity = 1
    private var places: UnsafeMutablePointer<Int32> = .allocate(capacity: 1)
    private var tail = 0
    /// Events before this one have been pushed or were passed over.
    private var next = 0
    /// One a window.
    private var heads: UnsafeMutablePointer<Int>
    private let windowCount: Int
    /// Makes slots compare like values: flips the bits below the sign of negative doubles.
    private let mask: Int64
    /// -1 turns the order around, for minima.
    private let flip: Int64

    init(windows: Int, kind: ColumnKind, isMinimum: Bool) {
        windowCount = windows
        heads = .allocate(capacity: windows)
        heads.initialize(repeating: 0, count: windows)
        mask = kind == .double ? .max : 0
        flip = isMinimum ? -1 : 0
    }

    func free() {
        places.deallocate()
        heads.deallocate()
    }

    /// Begins anew.
    ///
    /// - Parameter count: how many events there are at most.
    mutating func reset(count: Int) {
        if count > capacity {
            places.deallocate()
            capacity = max(count, 256)
            places = .allocate(capacity: capacity)
        }
        tail = 0
        next = 0
        heads.update(repeating: 0, count: windowCount)
    }

    @inline(__always)
    private func key(_ slot: UInt64) -> Int64 {
        let bits = Int64(bitPattern: slot)
        return bits ^ ((bits &>> 63) & mask) ^ flip
    }

    /// Takes in the events up to `end`.
    ///
    /// - Parameter low: where the longest window begins; older events are in no window any more.
    mutating func push(_ slots: UnsafePointer<UInt64>, from low: Int, to end: Int) {
        if low > next {
            next = low
            tail = 0
            heads.update(repeating: 0, count: windowCount)
        }
        guard next < end else { return }
        var (tail, lowest) = (self.tail, self.tail)
        for place in next..<end {
            let key = key(slots[place])
            // Equal values have equal bits: which of them stays makes no difference.
            while tail > 0, self.key(slots[Int(places[tail - 1])]) <= key { tail -= 1 }
            lowest = min(lowest, tail)
            places[tail] = Int32(truncatingIfNeeded: place)
            tail += 1
        }
        self.tail = tail
        next = end
        for window in 0..<windowCount where heads[window] > lowest { heads[window] = lowest }
    }

    /// The extreme of a window's events, of which there are some: those from `low` on.
    mutating func extreme(_ slots: UnsafePointer<UInt64>, window: Int, from low: Int) -> UInt64 {
        var head = heads[window]
        while Int(places[head]) < low { head += 1 }
        heads[window] = head
        return slots[Int(places[head])]
    }
}
