/// A state that nodes remember.
protocol TileState {
    /// About how many bytes it holds outside of itself, for the memory budget.
    var heapBytes: Int { get }
}

/// States of one kind for each child of a node, place by place:
///
///   places | place 0 | nil | place 2 | ...      one a state of the layout; no memory until a read fills one
///              |
///              states | child 0 | child 1 | ...      filled | 0 or 1 | ...
///
/// Must be `free`d by its owner.
struct StateGrid<State: TileState> {
    private struct Place {
        var states: UnsafeMutablePointer<State>
        var filled: UnsafeMutablePointer<Bool>
    }

    private var places: UnsafeMutablePointer<Place?>?
    private var placeCount: Int32 = 0
    private var capacity: Int32 = 0

    @inline(__always)
    func isFilled(_ child: Int, _ place: Int) -> Bool { places?[place]?.filled[child] ?? false }

    /// A filled state, where it stands.
    @inline(__always)
    func state(_ child: Int, _ place: Int) -> UnsafePointer<State> {
        UnsafePointer(places.unsafelyUnwrapped[place].unsafelyUnwrapped.states + child)
    }

    /// - Parameters:
    ///   - capacity: how many children the node can have.
    ///   - placeCount: how many states the layout has.
    /// - Returns: the bytes that were allocated.
    mutating func set(_ child: Int, _ place: Int, _ state: consuming State, capacity: Int, placeCount: Int) -> Int {
        var allocated = state.heapBytes
        if places == nil {
            self.capacity = Int32(truncatingIfNeeded: capacity)
            self.placeCount = Int32(truncatingIfNeeded: placeCount)
            places = .allocate(capacity: placeCount)
            places?.initialize(repeating: nil, count: placeCount)
            allocated += placeCount * MemoryLayout<Place?>.stride
        }
        let all = places.unsafelyUnwrapped
        if all[place] == nil {
            let filled = UnsafeMutablePointer<Bool>.allocate(capacity: capacity)
            filled.initialize(repeating: false, count: capacity)
            all[place] = Place(states: .allocate(capacity: capacity), filled: filled)
            allocated += capacity * (MemoryLayout<State>.stride + 1)
        }
        let target = all[place].unsafelyUnwrapped
        (target.states + child).initialize(to: state)
        target.filled[child] = true
        return allocated
    }

    /// Forgets what is known about a child.
    ///
    /// - Returns: the bytes that were given back.
    @inline(__always)
    mutating func forget(_ child: Int) -> Int {
        guard let places else { return 0 }
        var freed = 0
        for index in 0..<Int(placeCount) {
            guard let place = places[index], place.filled[child] else { continue }
            freed += place.states[child].heapBytes
            (place.states + child).deinitialize(count: 1)
            place.filled[child] = false
        }
        return freed
    }

    /// Makes room for a child at `index`, nothing known about it, among `count` children.
    mutating func insert(at index: Int, count: Int) {
        guard let places else { return }
        for number in 0..<Int(placeCount) {
            guard let place = places[number] else { continue }
            var child = count
            while child > index {
                child -= 1
                place.filled[child + 1] = place.filled[child]
                if place.filled[child] {
                    (place.states + child + 1).moveInitialize(from: place.states + child, count: 1)
                }
            }
            place.filled[index] = false
        }
    }

    mutating func free() {
        for child in 0..<Int(capacity) { _ = forget(child) }
        for index in 0..<Int(placeCount) {
            places?[index]?.states.deallocate()
            places?[index]?.filled.deallocate()
        }
        places?.deallocate()
        self = StateGrid()
    }
}
