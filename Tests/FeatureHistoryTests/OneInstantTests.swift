import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Thousands of events on one instant: position alone orders them, in memory, in leaves, and after a cold read.
@Suite struct OneInstantTests {
    @Test(arguments: [false, true])
    func tenThousandEvents(isReversed: Bool) throws {
        let world = try TestStore()
        let time = World.start + 10 * World.second
        var records = (0..<10_000).map { number in
            World.Record(
                user: 1,
                card: 1,
                event: OracleEvent(
                    time: time,
                    arrival: 0,
                    position: OracleEvent.Place(partition: number % 3, offset: Int64(number / 3)),
                    values: World.types.map { type in
                        type == .int64
                            ? .int64(Int64(number)) : type == .float64 ? .float64(Double(number) / 100) : .null
                    }
                )
            )
        }
        if isReversed { records.reverse() }
        for start in stride(from: 0, to: records.count, by: 2500) {
            world.clock.set(Instant(microseconds: World.start + Int64(start)))
            try world.commit(Array(records[start..<(start + 2500)]))
        }
        let middle = Instant(microseconds: world.arrivals[1])
        let points = [
            ReadPoint(asOf: Instant(microseconds: time + 1), knownAt: .distantFuture),
            ReadPoint(asOf: Instant(microseconds: time), knownAt: .distantFuture),
            ReadPoint(asOf: Instant(microseconds: time), knownAt: .distantFuture, boundary: .inclusive),
            ReadPoint(asOf: Instant(microseconds: time + 1), knownAt: middle),
        ]
        for point in points { try world.check(1, 1, point, "resident") }
        try world.store.fold()
        for point in points { try world.check(1, 1, point, "folded") }
        world.store.evictAll()
        for point in points { try world.check(1, 1, point, "cold") }
        try world.reopen()
        for point in points { try world.check(1, 1, point, "reopened") }
    }
}
