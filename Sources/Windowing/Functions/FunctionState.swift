// The aggregator behind each function that needs more than a `ColumnAccumulator`:
//
//   prepare    FunctionState(kind, column kind)
//   update     extend(over:...)      event by event, each older than those before
//   merge      merge(older:)         what a tree node remembers of older events
//   finalize   FunctionInput         one file a function in this folder
//
// Each state's result depends on the events alone: not on their grouping, nor on the order in which they were merged.

/// One event as a state sees it.
struct CountedEvent {
    var slot: UInt64
    var time: Int64
    /// The bytes of a string column's value.
    var heap: UnsafeRawBufferPointer

    @inline(__always) var string: UnsafeRawBufferPointer { StringHeap.string(slot, in: heap) }
}

/// A state that takes in events and other states.
protocol AggregateState: Sendable {
    /// Whether no older event can change it any more.
    var isComplete: Bool { get }
    mutating func add(_ event: CountedEvent)
    mutating func merge(older: Self)
}

extension AggregateState {
    var isComplete: Bool { false }
}

enum FunctionState: Sendable {
    case integerMoments(IntegerMoments)
    case doubleMoments(DoubleMoments)
    case hashedSlots(HashedSlots)
    case hashedStrings(HashedStrings)
    case integerQuantiles(IntegerQuantiles)
    case doubleQuantiles(DoubleQuantiles)
    case distinctValues(DistinctValues)
    case distinctStrings(DistinctStrings)
    case endValues(EndValues)
    case endStrings(EndStrings)
    case decayedIntegers(DecayedIntegers)
    case decayedDoubles(DecayedDoubles)
    case decayedCount(DecayedEvents)
    case groups(GroupedStates)
    /// Stands in while the payload of another case is at work.
    case taken

    init(_ kind: StateKind, _ column: ColumnKind) {
        switch kind {
        case .moments: self = column == .double ? .doubleMoments(DoubleMoments()) : .integerMoments(IntegerMoments())
        case .hyperLogLog(let precision):
            let sketch = HyperLogLog(precision: precision)
            self = column == .string ? .hashedStrings(HashedStrings(sketch)) : .hashedSlots(HashedSlots(sketch))
        case .quantiles(let accuracy):
            let sketch = DDSketch(accuracy: accuracy)
            self =
                column == .double
                ? .doubleQuantiles(DoubleQuantiles(sketch)) : .integerQuantiles(IntegerQuantiles(sketch))
        case .distinct(let most):
            self =
                column == .string
                ? .distinctStrings(DistinctStrings(maxDistinct: most))
                : .distinctValues(DistinctValues(order: column == .double ? .double : .integer, maxDistinct: most))
        case .ends(let form, let limit):
            self =
                column == .string
                ? .endStrings(EndStrings(form, limit: limit)) : .endValues(EndValues(form, limit: limit))
        case .groups(let grouping): self = .groups(GroupedStates(grouping, of: column))
        case .decayed(let halfLife, let weighsValues):
            let half = HalfLife(microseconds: halfLife)
            if !weighsValues {
                self = .decayedCount(DecayedEvents(half))
            } else {
                self =
                    column == .double ? .decayedDoubles(DecayedDoubles(half)) : .decayedIntegers(DecayedIntegers(half))
            }
        }
    }

    /// Adds the events of `range` that count, newest first; all are older than those added before.
    mutating func extend(over span: EventSpan, _ column: TileLayout.Column, range: Range<Int>, knownAt: Int64) {
        guard !range.isEmpty else { return }
        let events = CountedEvents(span: span, column: column, range: range, knownAt: knownAt)
        let state = self
        self = .taken
        switch consume state {
        case .integerMoments(var state): self = .integerMoments(events.added(to: &state))
        case .doubleMoments(var state): self = .doubleMoments(events.added(to: &state))
        case .hashedSlots(var state): self = .hashedSlots(events.added(to: &state))
        case .hashedStrings(var state): self = .hashedStrings(events.added(to: &state))
        case .integerQuantiles(var state): self = .integerQuantiles(events.added(to: &state))
        case .doubleQuantiles(var state): self = .doubleQuantiles(events.added(to: &state))
        case .distinctValues(var state): self = .distinctValues(events.added(to: &state))
        case .distinctStrings(var state): self = .distinctStrings(events.added(to: &state))
        case .endValues(var state): self = .endValues(events.added(to: &state))
        case .endStrings(var state): self = .endStrings(events.added(to: &state))
        case .decayedIntegers(var state): self = .decayedIntegers(events.added(to: &state))
        case .decayedDoubles(var state): self = .decayedDoubles(events.added(to: &state))
        case .decayedCount(var state): self = .decayedCount(events.added(to: &state))
        case .groups(var state):
            state.extend(over: span, column, range: range, knownAt: knownAt)
            self = .groups(state)
        case .taken: break
        }
    }

    /// Adds a state of the same kind whose events are all older than those added before.
    mutating func merge(older: FunctionState) {
        let state = self
        self = .taken
        switch consume state {
        case .integerMoments(var state):
            if case .integerMoments(let older) = older { state.merge(older: older) }
            self = .integerMoments(state)
        case .doubleMoments(var state):
            if case .doubleMoments(let older) = older { state.merge(older: older) }
            self = .doubleMoments(state)
        case .hashedSlots(var state):
            if case .hashedSlots(let older) = older { state.merge(older: older) }
            self = .hashedSlots(state)
        case .hashedStrings(var state):
            if case .hashedStrings(let older) = older { state.merge(older: older) }
            self = .hashedStrings(state)
        case .integerQuantiles(var state):
            if case .integerQuantiles(let older) = older { state.merge(older: older) }
            self = .integerQuantiles(state)
        case .doubleQuantiles(var state):
            if case .doubleQuantiles(let older) = older { state.merge(older: older) }
            self = .doubleQuantiles(state)
        case .distinctValues(var state):
            if case .distinctValues(let older) = older { state.merge(older: older) }
            self = .distinctValues(state)
        case .distinctStrings(var state):
            if case .distinctStrings(let older) = older { state.merge(older: older) }
            self = .distinctStrings(state)
        case .endValues(var state):
            if case .endValues(let older) = older { state.merge(older: older) }
            self = .endValues(state)
        case .endStrings(var state):
            if case .endStrings(let older) = older { state.merge(older: older) }
            self = .endStrings(state)
        case .decayedIntegers(var state):
            if case .decayedIntegers(let older) = older { state.merge(older: older) }
            self = .decayedIntegers(state)
        case .decayedDoubles(var state):
            if case .decayedDoubles(let older) = older { state.merge(older: older) }
            self = .decayedDoubles(state)
        case .decayedCount(var state):
            if case .decayedCount(let older) = older { state.merge(older: older) }
            self = .decayedCount(state)
        case .groups(var state):
            if case .groups(let older) = older { state.merge(older: older) }
            self = .groups(state)
        case .taken: break
        }
    }

    /// At least how many values of a `distinct` state are distinct, without a look at those that wait to be sorted in;
    /// more than any bound once it is overflowed.
    var distinctAtLeast: Int {
        switch self {
        case .distinctValues(let state): state.distinctAtLeast
        case .distinctStrings(let state): state.distinctAtLeast
        default: 0
        }
    }

    /// Exactly how many; nil when overflowed.
    var distinctCount: Int? {
        switch self {
        case .distinctValues(let state): state.distinctCount
        case .distinctStrings(let state): state.distinctCount
        default: 0
        }
    }
}

/// The events of a range that count, newest first.
private struct CountedEvents {
    let span: EventSpan
    let column: TileLayout.Column
    let range: Range<Int>
    let knownAt: Int64

    @inline(__always)
    func added<State: AggregateState>(to state: inout State) -> State {
        let known = span.newestArrival > knownAt ? knownAt : .max
        let slots = column.index.map { span.column($0) } ?? span.nulls
        var rest = range
        while !state.isComplete, let row = span.newestCounted(in: rest, mask: column.mask, knownAt: known) {
            state.add(CountedEvent(slot: slots[row], time: span.times[row], heap: span.heap))
            rest = rest.lowerBound..<row
        }
        return state
    }
}
