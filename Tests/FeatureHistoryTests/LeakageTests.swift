// Promise P4, on the whole store: what happens at or after T, or becomes known after K, never reaches a cell.
//
// Each history is written twice, for a user and its double. The double's history differs only where a difference must
// not show: events at or after T are changed, removed or added, or more events arrive after K. Then both are read at
// (T, K) and every cell must have the same status, the same bits and the same newest event time.
//
// A third variant lacks an event *before* T. It must show: a store that answered nothing would pass the rest.

import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

@Suite struct LeakageTests {
    /// One history and the point at which it is read.
    struct Case {
        var events: [(time: Int64, values: [FeatureValue])]
        var asOf: Int64
        var boundary: Boundary

        func isBefore(_ time: Int64) -> Bool { boundary == .strict ? time < asOf : time <= asOf }
    }

    static func cases(_ count: Int, _ random: inout SplitMix64, seed: UInt64) -> [Case] {
        var stream = RecordStream(seed: seed, users: 1, cards: 1, isExtreme: random.oneIn(3))
        return (0..<count).map { _ in
            let events = stream.next(Int.random(in: 1...12, using: &random)).map { ($0.event.time, $0.event.values) }
            // T stands on an event three times out of four: there the rule bites.
            let time = events.randomElement(using: &random)?.0 ?? World.start
            let asOf = random.oneIn(4) ? time + 1 : time
            return Case(events: events, asOf: asOf, boundary: random.oneIn(4) ? .inclusive : .strict)
        }
    }

    /// The history with everything at or after T changed at random: values, times, presence, and new events, some of them
    /// exactly at T.
    static func disturbed(_ one: Case, _ stream: inout SeededStream, _ random: inout SplitMix64) -> [(
        time: Int64, values: [FeatureValue]
    )] {
        func forbidden() -> Int64 {
            one.asOf + (one.boundary == .strict ? 0 : 1)
                + Int64(random.oneIn(2) ? 0 : Int.random(in: 0...100_000_000, using: &random))
        }
        var events: [(time: Int64, values: [FeatureValue])] = []
        for event in one.events {
            if one.isBefore(event.time) {
                events.append(event)
            } else if !random.oneIn(3) {
                events.append((forbidden(), World.types.map { stream.value($0) }))
            }
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            events.append((forbidden(), World.types.map { stream.value($0) }))
        }
        return events
    }

    static func record(_ user: Int64, _ time: Int64, _ values: [FeatureValue], _ offset: inout Int64) -> World.Record {
        defer { offset += 1 }
        return World.Record(
            user: user,
            card: user,
            event: OracleEvent(time: time, arrival: 0, position: OracleEvent.Place(offset: offset), values: values)
        )
    }

    @Test(arguments: TestSeeds.list(3))
    func nothingAtOrAfterTReachesACell(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var stream = SeededStream(SeededStream.Shape(types: World.types, start: World.start), seed: seed)
        let cases = Self.cases(1200, &random, seed: seed)
        let world = try TestStore()
        var offset: Int64 = 0
        var records: [World.Record] = []
        var changed: [Bool] = []
        for (index, one) in cases.enumerated() {
            let user = Int64(index * 3)
            for event in one.events { records.append(Self.record(user, event.time, event.values, &offset)) }
            for event in Self.disturbed(one, &stream, &random) {
                records.append(Self.record(user + 1, event.time, event.values, &offset))
            }
            // The control: one event before T is gone.
            var control = one.events
            let allowed = control.indices.filter { one.isBefore(control[$0].time) }
            if let index = allowed.randomElement(using: &random) { control.remove(at: index) }
            changed.append(!allowed.isEmpty)
            for event in control { records.append(Self.record(user + 2, event.time, event.values, &offset)) }
        }
        // Several commits, in the records' order: the disturbance may arrive before or after what it must not touch.
        for start in stride(from: 0, to: records.count, by: 5000) {
            world.clock.advance(by: 1000)
            try world.commit(Array(records[start..<min(records.count, start + 5000)]))
        }
        for pass in ["in memory", "from disk", "after a restart"] {
            if pass == "from disk" {
                try world.store.fold()
                world.store.evictAll()
            }
            if pass == "after a restart" { try world.reopen() }
            var seen = 0
            for (index, one) in cases.enumerated() {
                let user = Int64(index * 3)
                let point = ReadPoint(
                    asOf: Instant(microseconds: one.asOf),
                    knownAt: .distantFuture,
                    boundary: one.boundary
                )
                let plain = try world.read(user, user, point)
                let double = try world.read(user + 1, user + 1, point)
                if plain != double {
                    Issue.record(
                        "leak \(pass), \(TestSeeds.hint(seed)), case \(index): \(plain) became \(double) at \(point)"
                    )
                    return
                }
                if try changed[index] && world.read(user + 2, user + 2, point) != plain { seen += 1 }
            }
            #expect(seen == changed.count { $0 }, "an event before T that is gone always shows")
            #expect(seen > 600)
        }
    }

    @Test(arguments: TestSeeds.list(3))
    func nothingThatArrivesAfterKReachesACell(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let world = try TestStore()
        var stream = RecordStream(seed: seed, users: 40, cards: 30, isExtreme: random.oneIn(2))
        for _ in 0..<20 {
            world.clock.advance(by: World.second)
            try world.commit(stream.next(60))
        }
        // What everybody sees at many (T, K) now ...
        var points: [(user: Int64, card: Int64, point: ReadPoint)] = []
        for _ in 0..<1000 {
            var point = stream.point(world.arrivals)
            point.knownAt = min(point.knownAt, Instant(microseconds: world.arrivals[world.arrivals.count - 1]))
            points.append((Int64.random(in: 0...40, using: &random), Int64.random(in: 0...30, using: &random), point))
        }
        let before = try points.map { try world.read($0.user, $0.card, $0.point) }
        let newestBefore = try points.map {
            try world.read($0.user, $0.card, ReadPoint(asOf: $0.point.asOf, knownAt: .distantFuture))
        }
        // ... they see again, whatever arrives later at whatever event time, through folds and restarts.
        for round in 0..<6 {
            world.clock.advance(by: World.second)
            try world.commit(stream.next(400))
            if round % 3 == 1 { try world.store.fold() }
            if round % 3 == 2 { world.store.evictAll() }
            if round == 4 { try world.reopen() }
            for (index, one) in points.enumerated() {
                let after = try world.read(one.user, one.card, one.point)
                if after != before[index] {
                    Issue.record(
                        "leak, \(TestSeeds.hint(seed)), round \(round): \(before[index]) became \(after) at \(one.point)"
                    )
                    return
                }
            }
        }
        let newestAfter = try points.map {
            try world.read($0.user, $0.card, ReadPoint(asOf: $0.point.asOf, knownAt: .distantFuture))
        }
        #expect(zip(newestBefore, newestAfter).count { $0 != $1 } > 500, "without K the same reads did change")
    }
}
