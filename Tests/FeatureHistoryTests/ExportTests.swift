import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Pages of a view's history, however small, hold what the oracle's events say, whatever goes on between them.
@Suite struct ExportTests {
    /// Entities of which events were dropped, and how many of theirs.
    private struct Dropped: Equatable { var entities = 0, events: UInt64 = 0 }

    private func text(_ key: [UInt8], _ time: Int64, _ arrival: Int64, _ partition: Int, _ offset: Int64) -> String {
        "\(key) \(time) \(arrival) \(partition) \(offset)"
    }

    private func expected(_ world: TestStore, _ interval: ExportInterval) -> (rows: [String], dropped: Dropped) {
        let horizon = world.store.catalog.sources["s"]?.horizon.microseconds ?? .min
        var (rows, dropped): ([String], Dropped) = ([], Dropped())
        for (user, events) in world.users.sorted(by: { $0.key < $1.key }) {
            let gone = NaiveOracle.dropped(events, before: horizon, eventID: world.eventID)
            if let oldest = gone.map(\.time).min(), let newest = gone.map(\.time).max(),
                oldest < interval.end.microseconds, newest >= interval.start.microseconds
            {
                dropped.entities += 1
                dropped.events += UInt64(gone.count)
            }
            let counted = NaiveOracle.withoutDuplicates(
                events,
                world.eventID,
                knownAt: interval.knownAt.microseconds
            )
            rows +=
                counted.filter {
                    !gone.contains($0) && $0.arrival <= interval.knownAt.microseconds
                        && interval.start.microseconds <= $0.time && $0.time < interval.end.microseconds
                }
                .sorted {
                    ($0.time, $0.position.partition, $0.position.offset)
                        < ($1.time, $1.position.partition, $1.position.offset)
                }
                .map { text(World.userKey(user), $0.time, $0.arrival, $0.position.partition, $0.position.offset) }
        }
        return (rows, dropped)
    }

    @Test(arguments: TestSeeds.list(4), [nil, "quantity", "word"])
    func pagesAreWhatCounts(seed: UInt64, eventID: String?) throws {
        var random = SplitMix64(seed: seed)
        let hint = TestSeeds.hint(seed)
        let isDropping = random.oneIn(2)
        let definition = DuplicateTests.definition(
            eventID,
            isDropping ? .microseconds(RetentionTests.history) : .forever
        )
        let world = try TestStore { _ in definition }
        let users = [1, 3, 12].randomElement(using: &random) ?? 3
        var producer = DuplicateTests.Producer(stream: RecordStream(seed: seed, users: users, cards: 2))
        func step() throws {
            switch Int.random(in: 0..<14, using: &random) {
            case 0..<8:
                world.clock.advance(by: Int64.random(in: 0...World.second, using: &random))
                // A leaf holds 256.
                try world.commit(
                    producer.records(random.oneIn(6) ? 300 : Int.random(in: 1...20, using: &random), world, &random)
                )
            case 8: try world.store.fold()
            case 9, 10: _ = try world.store.maintain()
            case 11: while try world.store.retain() {}
            case 12: world.store.evictAll()
            default: break
            }
        }
        var read = 0
        for _ in 0..<5 {
            for _ in 0..<6 { try step() }
            // Leases of an earlier reading are over, and history goes on.
            world.clock.advance(by: 70 * World.second)
            if random.oneIn(3) { try world.reopen() }
            try world.commit(producer.records(5, world, &random))
            if random.oneIn(2) { _ = try world.store.maintain() }
            let known = random.oneIn(2) ? world.arrivals.randomElement(using: &random) : world.arrivals.last
            var edges = (world.users.values.flatMap { $0 }.map(\.time).shuffled(using: &random).prefix(2) + []).sorted()
            if edges.count < 2 || edges[0] == edges[1] || random.oneIn(2) { edges = [.min, .max] }
            let interval = ExportInterval(
                start: Instant(microseconds: edges[0]),
                end: Instant(microseconds: edges[1]),
                knownAt: Instant(microseconds: try #require(known))
            )
            let wanted = expected(world, interval)
            var limits = ExportLimits(
                rowsMax: [1, 3, 50, 5000].randomElement(using: &random) ?? 1,
                bytesMax: [1, 400, 1 << 20].randomElement(using: &random) ?? 1,
                rowBytesMax: 1 << 20
            )
            limits.eventsMax = [1, 7, 1 << 20].randomElement(using: &random) ?? 1
            limits.entitiesMax = [1, 2, 1 << 20].randomElement(using: &random) ?? 1
            var (rows, dropped, place): ([String], Dropped, ExportPlace?) = ([], Dropped(), nil)
            var (progress, pages) = (0.0, 0)
            // More than there are events and entities.
            for _ in 0..<20_000 {
                let page: ExportPage
                do throws(StoreError) {
                    page = try world.store.exportPage(ofView: "users", interval, after: place, limits)
                } catch {
                    // An earlier reading of the same K is told that history was dropped since; then this one begins.
                    guard error.code == .refused, place == nil else { throw error }
                    continue
                }
                pages += 1
                #expect(page.events.count <= limits.rowsMax && page.progress >= progress, "\(hint)")
                progress = page.progress
                var row = 0
                for run in page.runs {
                    for _ in 0..<run.rows {
                        let stream = StreamID(rawValue: page.events.streams[row])
                        rows.append(
                            text(
                                run.key,
                                page.events.times[row],
                                page.events.arrivals[row],
                                Int(stream.partition),
                                page.events.offsets[row]
                            )
                        )
                        row += 1
                    }
                }
                #expect(row == page.events.count)
                dropped.entities += page.droppedEntities
                dropped.events += page.droppedEvents
                #expect(page.next != place || place == nil, "it goes on, \(hint)")
                place = page.next
                // Not for ever: they come faster than pages of one event pass them over.
                if pages < 20, random.oneIn(3) { try step() }
                if place == nil { break }
            }
            #expect(place == nil, "it comes to an end, \(hint)")
            #expect(rows == wanted.rows, "\(hint)")
            #expect(dropped == wanted.dropped, "\(hint)")
            guard rows == wanted.rows else { return }
            read += rows.count
        }
        #expect(read > 0 && (world.store.catalog.sources["s"]?.horizon ?? .distantPast > .distantPast) == isDropping)
    }

    @Test func anUnknownViewIsNamed() throws {
        let world = try TestStore()
        let interval = ExportInterval(start: .distantPast, end: .distantFuture, knownAt: world.store.newestCommit)
        let error = #expect(throws: StoreError.self) {
            try world.store.exportPage(
                ofView: "userz",
                interval,
                after: nil,
                ExportLimits(rowsMax: 1, bytesMax: 1, rowBytesMax: 1)
            )
        }
        #expect(error?.code == .unknownName && error?.message.contains("users") == true)
    }

    @Test func aRowThatIsTooLargeIsRefused() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 1)
        try world.commit(stream.next(3))
        let interval = ExportInterval(start: .distantPast, end: .distantFuture, knownAt: world.store.newestCommit)
        let limits = ExportLimits(rowsMax: 1, bytesMax: 1, rowBytesMax: 32)
        let error = #expect(throws: StoreError.self) {
            try world.store.exportPage(ofView: "users", interval, after: nil, limits)
        }
        #expect(error?.code == .refused)
    }
}
