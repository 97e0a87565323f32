import FeatureModel
import FeatureTesting

@testable import FeatureHistory

/// A stream of records in the world's columns.
struct RecordStream {
    private var events: SeededStream
    private var random: SplitMix64
    private let users: Int
    private let cards: Int

    init(seed: UInt64, users: Int = 6, cards: Int = 4, span: Int64 = 300 * World.second, isExtreme: Bool = false) {
        var shape = SeededStream.Shape(
            types: World.types,
            entities: users,
            start: World.start,
            span: span,
            isExtreme: isExtreme
        )
        shape.grain = World.second / 4
        events = SeededStream(shape, seed: seed)
        random = SplitMix64(seed: ~seed)
        self.users = users
        self.cards = cards
    }

    mutating func next(_ count: Int) -> [World.Record] {
        (0..<count).map { _ in
            let (entity, event) = events.next()
            return World.Record(user: Int64(entity), card: Int64(random.skewed(below: cards)), event: event)
        }
    }

    mutating func point(_ arrivals: [Int64], span: Int64 = 400 * World.second) -> ReadPoint {
        let known: Int64 =
            random.oneIn(3)
            ? .max : (arrivals.randomElement(using: &random) ?? World.start) + Int64.random(in: -1...1, using: &random)
        let asOf =
            random.oneIn(5)
            ? World.start + span
            : World.start + Int64.random(in: 0..<span, using: &random) / (World.second / 4) * (World.second / 4)
        return ReadPoint(
            asOf: Instant(microseconds: asOf),
            knownAt: Instant(microseconds: known),
            boundary: random.oneIn(3) ? .inclusive : .strict
        )
    }
}
