// How each accumulator takes in an event: what of it counts, by the type of its column.

struct IntegerMoments: AggregateState {
    var moments = ExactMoments()
    mutating func add(_ event: CountedEvent) { moments.add(Int64(bitPattern: event.slot)) }
    mutating func merge(older: IntegerMoments) { moments.merge(older.moments) }
}

struct DoubleMoments: AggregateState {
    var moments = ExactMoments()
    mutating func add(_ event: CountedEvent) { moments.add(Double(bitPattern: event.slot)) }
    mutating func merge(older: DoubleMoments) { moments.merge(older.moments) }
}

struct HashedSlots: AggregateState {
    var sketch: HyperLogLog
    init(_ sketch: HyperLogLog) { self.sketch = sketch }
    mutating func add(_ event: CountedEvent) { sketch.add(hash: StableHash64.hash(slot: event.slot)) }
    mutating func merge(older: HashedSlots) { sketch.merge(older.sketch) }
}

struct HashedStrings: AggregateState {
    var sketch: HyperLogLog
    init(_ sketch: HyperLogLog) { self.sketch = sketch }
    mutating func add(_ event: CountedEvent) { sketch.add(hash: StableHash64.hash(bytes: event.string)) }
    mutating func merge(older: HashedStrings) { sketch.merge(older.sketch) }
}

struct IntegerQuantiles: AggregateState {
    var sketch: DDSketch
    init(_ sketch: DDSketch) { self.sketch = sketch }
    mutating func add(_ event: CountedEvent) { sketch.add(Double(Int64(bitPattern: event.slot))) }
    mutating func merge(older: IntegerQuantiles) { sketch.merge(older.sketch) }
}

struct DoubleQuantiles: AggregateState {
    var sketch: DDSketch
    init(_ sketch: DDSketch) { self.sketch = sketch }
    mutating func add(_ event: CountedEvent) { sketch.add(Double(bitPattern: event.slot)) }
    mutating func merge(older: DoubleQuantiles) { sketch.merge(older.sketch) }
}

extension DistinctValues: AggregateState {
    mutating func add(_ event: CountedEvent) { add(event.slot) }
    mutating func merge(older: DistinctValues) { merge(older) }
}

extension DistinctStrings: AggregateState {
    mutating func add(_ event: CountedEvent) { add(event.string) }
    mutating func merge(older: DistinctStrings) { merge(older) }
}

extension EndValues: AggregateState {
    mutating func add(_ event: CountedEvent) { extendOlder(event.slot) }
}

extension EndStrings: AggregateState {
    mutating func add(_ event: CountedEvent) { extendOlder(event.string) }
}

struct DecayedIntegers: AggregateState {
    let halfLife: HalfLife
    var sum = DecayedSum()
    init(_ halfLife: HalfLife) { self.halfLife = halfLife }
    mutating func add(_ event: CountedEvent) {
        sum.add(Double(Int64(bitPattern: event.slot)), halfLife.weight(at: event.time))
    }
    mutating func merge(older: DecayedIntegers) { sum.merge(older.sum) }
}

struct DecayedDoubles: AggregateState {
    let halfLife: HalfLife
    var sum = DecayedSum()
    init(_ halfLife: HalfLife) { self.halfLife = halfLife }
    mutating func add(_ event: CountedEvent) {
        sum.add(Double(bitPattern: event.slot), halfLife.weight(at: event.time))
    }
    mutating func merge(older: DecayedDoubles) { sum.merge(older.sum) }
}

struct DecayedEvents: AggregateState {
    let halfLife: HalfLife
    var sum = DecayedSum()
    init(_ halfLife: HalfLife) { self.halfLife = halfLife }
    mutating func add(_ event: CountedEvent) { sum.add(1, halfLife.weight(at: event.time)) }
    mutating func merge(older: DecayedEvents) { sum.merge(older.sum) }
}
