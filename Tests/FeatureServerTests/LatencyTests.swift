import FeatureHistory
import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

@Suite struct LatencyTests {
    /// Cells follow each other without a gap, and are at most 1/64 of their value wide.
    @Test func cellsCoverAllDurations() {
        var start: UInt64 = 0
        for cell in 0..<LatencyCells.count {
            let end = LatencyCells.end(of: cell)
            #expect(LatencyCells.cell(of: start) == cell && LatencyCells.cell(of: end - 1) == cell)
            #expect(end - start <= max(1, start / 64))
            start = end
        }
        #expect(start == 1 << 37)
        for beyond in [start, start * 2, .max] { #expect(LatencyCells.cell(of: beyond) == LatencyCells.count - 1) }
    }

    @Test func quantilesOfKnownDurations() {
        let histogram = LatencyHistogram()
        var random = SplitMix64(seed: 11)
        var durations: [UInt64] = (0..<5000).map { _ in random.next() >> (30 + random.next() % 34) }
        for duration in durations { histogram.record(nanoseconds: duration, rows: 2) }
        durations.sort()
        var figures = LatencyFigures()
        #expect(figures.quantile(0.5) == nil)
        histogram.add(to: &figures)
        #expect(figures.count == 5000 && figures.rows == 10_000)
        #expect(figures.sumNanoseconds == durations.reduce(0, &+))
        for part in [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = durations[max(1, Int((5000 * part).rounded(.up))) - 1]
            let told = figures.quantile(part) ?? 0
            #expect(told >= exact && told - exact <= exact / 64, "\(part): \(told) for \(exact)")
        }
        for octave in [12, 20, 30] {
            #expect(figures.count(belowOctave: octave) == UInt64(durations.count { $0 < 1 << UInt64(octave) }))
        }
    }

    @Test func recordingFromManyThreads() async {
        let histogram = LatencyHistogram()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<1000 { histogram.record(nanoseconds: UInt64(task * 1000 + index), rows: 1) }
                }
            }
        }
        var figures = LatencyFigures()
        histogram.add(to: &figures)
        #expect(figures.count == 8000 && figures.rows == 8000 && figures.sumNanoseconds == 8000 * 7999 / 2)
    }

    /// Definitions come and go; the histograms that they leave behind are bounded.
    @Test func seriesAreBounded() async throws {
        try await withServer { server in
            let registry = LatencyRegistry()
            let catalog = server.store.catalog
            registry.histogram(service: nil, .tcp, in: catalog).record(nanoseconds: 1, rows: 1)
            registry.histogram(service: "small", .tcp, in: catalog).record(nanoseconds: 1, rows: 1)
            registry.histogram(service: "small@1", .http, in: catalog).record(nanoseconds: 1, rows: 1)
            let names = registry.figures.map { "\($0.series.transport) \($0.series.service)" }
            #expect(names == ["http small@1", "tcp (features)", "tcp small@1"])

            let small = LatencyRegistry(seriesMax: 2)
            for (service, transport) in [
                (nil, LatencyRegistry.Transport.tcp), ("small", .tcp), ("small", .http), (nil, .http), ("small", .tcp),
            ] {
                small.histogram(service: service, transport, in: catalog).record(nanoseconds: 1, rows: 1)
            }
            let counts = small.figures.map { "\($0.series.transport) \($0.series.service) \($0.figures.count)" }
            #expect(counts == ["http (others) 2", "tcp (features) 1", "tcp small@1 2"])
        }
    }

    @Test func statsTellsWhatWasAnswered() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let none = try JSONMessage.decode(StatsMessage.self, from: try await client.admin("stats"))
            #expect(none.lookups.isEmpty)
            let service = try await client.prepare(service: "small")
            let list = try await client.prepare(references: ["purchases:count_1h"])
            for _ in 0..<5 { _ = try await client.lookup(service, entities: [[.int64(1)], [.int64(2)]]) }
            _ = try await client.lookup(list, entities: [[.int64(1)]])
            // A lookup that fails is none.
            await #expect(throws: ClientError.self) { try await client.lookup(list, entities: [[.string("x")]]) }
            let stats = try JSONMessage.decode(StatsMessage.self, from: try await client.admin("stats"))
            #expect(stats.lookups.map(\.service) == ["(features)", "small@1"])
            #expect(stats.lookups.map(\.protocol) == ["tcp", "tcp"])
            #expect(stats.lookups.map(\.count) == [1, 5] && stats.lookups.map(\.rows) == [1, 10])
            for lookups in stats.lookups {
                let times = lookups.microseconds
                #expect(0 < times.p50 && times.p50 <= times.p90 && times.p90 <= times.p99)
                #expect(times.p99 <= times.p999 && times.p999 <= times.max && times.mean <= times.max)
            }
            await client.close()
        }
    }

    /// From disk, on the pool, it is recorded too.
    @Test func coldLookupsCount() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<10, amount: 1, at: server.clock.now, firstOffset: 0)
            try server.store.fold()
            server.store.evictAll()
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small@1")
            _ = try await client.lookup(prepared, entities: [[.int64(3)]])
            let stats = try JSONMessage.decode(StatsMessage.self, from: try await client.admin("stats"))
            #expect(stats.lookups.map(\.count) == [1] && stats.lookups.map(\.service) == ["small@1"])
            await client.close()
        }
    }
}
