import FeatureModel
import FeatureTesting
import Testing

@testable import FeatureHistory

@Suite struct DeadLetterTests {
    static func letter(_ offset: Int64, valueBytes: Int = 3) -> DeadLetter {
        DeadLetter(
            source: "s",
            topic: "t",
            partition: 1,
            offset: offset,
            timestampMilliseconds: offset == 1 ? -1 : 77,
            reason: "bad_json",
            message: "not JSON",
            key: offset % 2 == 0 ? nil : [],
            value: [UInt8](repeating: UInt8(truncatingIfNeeded: offset), count: valueBytes),
            headers: [DeadLetter.Header(name: "h", value: [0, 255]), DeadLetter.Header(name: "h", value: nil)]
        )
    }

    static func commit(_ world: TestStore, _ letters: [DeadLetter]) throws {
        world.clock.advance(by: 1)
        try world.store.commit { _ throws(StoreError) in
            var commit = Commit()
            commit.deadLetters = letters
            return commit
        }
    }

    static func offsets(_ world: TestStore) throws -> [Int64] {
        try world.store.deadLetters(after: 0, limit: .max).map(\.letter.offset)
    }

    @Test func lettersComeBackWholeAndInOrder() throws {
        let world = try TestStore()
        try Self.commit(world, [Self.letter(5), Self.letter(1)])
        try Self.commit(world, [Self.letter(3)])
        for _ in 0..<2 {
            let letters = try world.store.deadLetters(after: 0, limit: 10)
            #expect(letters.map(\.sequence) == [1, 2, 3])
            #expect(letters.map(\.letter) == [5, 1, 3].map { Self.letter($0) })
            #expect(try world.store.deadLetters(after: 1, limit: 1).map(\.letter.offset) == [1])
            #expect(try world.store.deadLetters(after: 3, limit: 10).isEmpty)
            #expect(try world.store.deadLetters(after: .max, limit: 10).isEmpty)
            try world.reopen()
        }
    }

    /// Bounds hold after every commit, also when one commit alone brings more than the outbox may hold.
    @Test(arguments: [1, 3, 10, 11, 25]) func theOldestGoWhenThereAreTooMany(perCommit: Int) throws {
        let world = try TestStore(options: StoreOptions(deadLetters: DeadLetterLimits(recordsMax: 10)))
        var sent: [Int64] = []
        for round in 0..<8 {
            let batch = (0..<perCommit).map { Int64(round * perCommit + $0) }
            try Self.commit(world, batch.map { Self.letter($0) })
            sent += batch
            #expect(try Self.offsets(world) == sent.suffix(10))
            let summary = world.store.deadLetterSummary
            #expect(summary.kept == UInt64(min(10, sent.count)))
            #expect(summary.waiting == summary.kept)
            #expect(summary.dropped == UInt64(max(0, sent.count - 10)))
            if round == 4 { try world.reopen() }
        }
    }

    @Test func bytesAreBounded() throws {
        let world = try TestStore(options: StoreOptions(deadLetters: DeadLetterLimits(bytesMax: 10_000)))
        for round in 0..<20 {
            try Self.commit(world, [Self.letter(Int64(round), valueBytes: 3000)])
            let kept = try world.store.deadLetters(after: 0, limit: .max)
            #expect(kept.count == min(round + 1, 3))
            #expect(kept.last?.letter.offset == Int64(round))
        }
        // One that is too large by itself is counted and not kept; those after it are.
        try Self.commit(world, [Self.letter(100, valueBytes: 20_000)])
        #expect(try Self.offsets(world) == [])
        #expect(world.store.deadLetterSummary.dropped == 21)
        try Self.commit(world, [Self.letter(101)])
        #expect(try Self.offsets(world) == [101])
    }

    @Test func forwardedOnesAreNotCountedAsDropped() throws {
        let world = try TestStore(options: StoreOptions(deadLetters: DeadLetterLimits(recordsMax: 4)))
        try Self.commit(world, (0..<4).map { Self.letter($0) })
        #expect(try world.store.unforwardedDeadLetters(limit: 2).map(\.letter.offset) == [0, 1])
        try world.store.markForwarded(through: 2)
        try world.store.markForwarded(through: 1)
        try world.store.markForwarded(through: 99)
        for _ in 0..<2 {
            #expect(try world.store.unforwardedDeadLetters(limit: 9).map(\.letter.offset) == [2, 3])
            #expect(world.store.deadLetterSummary.waiting == 2)
            #expect(try Self.offsets(world) == [0, 1, 2, 3], "forwarded ones stay readable")
            try world.reopen()
        }
        try Self.commit(world, [4, 5, 6].map { Self.letter($0) })
        #expect(try Self.offsets(world) == [3, 4, 5, 6])
        #expect(world.store.deadLetterSummary.dropped == 1, "only the one that waited")
        #expect(try world.store.unforwardedDeadLetters(limit: 9).map(\.letter.offset) == [3, 4, 5, 6])
    }
}
