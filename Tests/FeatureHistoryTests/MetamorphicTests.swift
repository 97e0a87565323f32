import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Promise P5: how a log came to be stored does not show. The same commits under other options, folds, evictions and
/// restarts give the same digest at every (T, K); the same records in other batches give the same digest at the newest K.
@Suite struct MetamorphicTests {
    struct Schedule {
        var foldEvery: Int?
        var evictEvery: Int?
        var reopenEvery: Int?
        var readEvery: Int?
        var syncs = false
        var unfoldedMax = 4_000_000
        var treeShape = TreeShape.standard

        /// Some option set: anything of it may be off.
        static func any(_ random: inout SplitMix64) -> Schedule {
            func every(_ most: Int) -> Int? { random.oneIn(3) ? nil : Int.random(in: 1...most, using: &random) }
            return Schedule(
                foldEvery: every(9),
                evictEvery: every(6),
                reopenEvery: every(12),
                readEvery: every(4),
                syncs: random.oneIn(4),
                unfoldedMax: random.oneIn(2) ? 4_000_000 : Int.random(in: 1...60, using: &random),
                treeShape: random.oneIn(4)
                    ? .standard
                    : TreeShape(
                        leafEvents: Int.random(in: 2...9, using: &random),
                        children: Int.random(in: 3...6, using: &random)
                    )
            )
        }
    }

    static let schedules = [
        Schedule(), Schedule(foldEvery: 1), Schedule(foldEvery: 1, evictEvery: 1), Schedule(reopenEvery: 3),
        Schedule(foldEvery: 7, reopenEvery: 5), Schedule(foldEvery: 2, evictEvery: 3, reopenEvery: 11, readEvery: 1),
        Schedule(evictEvery: 2, readEvery: 2, syncs: true), Schedule(foldEvery: 5, readEvery: 1, unfoldedMax: 1),
        Schedule(foldEvery: 3, evictEvery: 3, reopenEvery: 3, readEvery: 3, unfoldedMax: 30),
    ]

    static func play(_ commits: [[World.Record]], _ schedule: Schedule) throws -> TestStore {
        var options = StoreOptions()
        options.syncsCommits = schedule.syncs
        options.unfoldedEventsMax = schedule.unfoldedMax
        options.treeShape = schedule.treeShape
        let world = try TestStore(options: options)
        for (index, commit) in commits.enumerated() {
            world.clock.set(Instant(microseconds: World.start + Int64(index) * 1000))
            try world.commit(commit)
            func isDue(_ every: Int?) -> Bool { every.map { index % $0 == $0 - 1 } ?? false }
            if isDue(schedule.foldEvery) { try world.store.fold() }
            _ = try world.store.maintain()
            if isDue(schedule.evictEvery) { world.store.evictAll() }
            if isDue(schedule.reopenEvery) { try world.reopen() }
            if isDue(schedule.readEvery) {
                _ = try world.read(Int64(index % 5), 0, ReadPoint(asOf: .distantFuture, knownAt: .distantFuture))
            }
        }
        return world
    }

    static func digest(_ world: TestStore, _ points: [(user: Int64, card: Int64, point: ReadPoint)]) throws -> [String]
    {
        try points.map { try world.read($0.user, $0.card, $0.point).map(\.description).joined(separator: "; ") }
    }

    @Test(arguments: TestSeeds.list(2))
    func storageDoesNotShow(seed: UInt64) throws {
        var stream = RecordStream(seed: seed, users: 5, cards: 3, isExtreme: seed % 2 == 0)
        var random = SplitMix64(seed: seed)
        let commits = (0..<25).map { _ in stream.next(Int.random(in: 1...50, using: &random)) }
        let arrivals = commits.indices.map { World.start + Int64($0) * 1000 }
        let points = (0..<60).map { _ in
            (Int64.random(in: 0...5, using: &random), Int64.random(in: 0...3, using: &random), stream.point(arrivals))
        }
        var digests: [[String]] = []
        // 32 option sets in all: the chosen ones, and random ones.
        let schedules = Self.schedules + (Self.schedules.count..<32).map { _ in Schedule.any(&random) }
        for schedule in schedules { digests.append(try Self.digest(Self.play(commits, schedule), points)) }
        #expect(Set(digests[0]).count > 30, "the points do tell worlds apart")
        for (schedule, digest) in zip(schedules, digests) {
            #expect(digest == digests[0], "\(schedule), \(TestSeeds.hint(seed))")
        }

        // Other batches, and the records in another order of arrival: the newest K sees the same.
        let newest = points.map {
            ($0.0, $0.1, ReadPoint(asOf: $0.2.asOf, knownAt: .distantFuture, boundary: $0.2.boundary))
        }
        let records = commits.flatMap { $0 }
        let wanted = try Self.digest(Self.play(commits, Schedule()), newest)
        for order in 0..<4 {
            var again = records
            if order > 0 { again.shuffle(using: &random) }
            var batches: [[World.Record]] = []
            while !again.isEmpty {
                let count = order == 3 ? again.count : min(again.count, Int.random(in: 1...90, using: &random))
                batches.append(Array(again.prefix(count)))
                again.removeFirst(count)
            }
            let found = try Self.digest(Self.play(batches, Self.schedules[order + 3]), newest)
            #expect(found == wanted, "order \(order), \(TestSeeds.hint(seed))")
        }
    }
}
