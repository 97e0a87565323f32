import FeatureModel
import FeatureTesting
import RocksDB
import Testing
import Windowing

@testable import FeatureHistory

/// Promises P1, P2 and P6.
@Suite struct DurabilityTests {
    static let now = ReadPoint(asOf: .distantFuture, knownAt: .distantFuture)

    @Test func aSecondOpenIsLocked() throws {
        let world = try TestStore()
        #expect { try TestStore.open(world.folder, world.options, world.clock) } throws: {
            ($0 as? StoreError)?.code == .locked
        }
        try world.reopen()
    }

    @Test func offsetsAndStateMoveTogether() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 9, users: 2, cards: 2)
        for round in 0..<12 {
            world.clock.advance(by: 1000)
            try world.commit(stream.next(round * 7 % 20 + 1))
            if round % 4 == 3 { try world.store.fold() }
            try world.reopen()
            for (partition, next) in world.next {
                #expect(
                    try world.store.offset(of: StreamID(source: 1, incarnation: 1, partition: Int32(partition))) == next
                )
            }
            #expect(world.store.counterValues["events"] == UInt64(world.users.values.reduce(0) { $0 + $1.count }))
            #expect(world.store.newestCommit.microseconds == world.arrivals.last)
            for user in Int64(0)..<2 { try world.check(user, user, Self.now, "round \(round)") }
        }
        #expect(try world.store.offset(of: StreamID(source: 1, incarnation: 2, partition: 0)) == nil)
        #expect(world.store.appliedFiles == [DefinitionFile(name: "a.yaml", text: "one")])
    }

    /// A killed process, and a power loss that tears the log: what is there afterwards is a prefix of the commits, whole,
    /// with the offsets of that very prefix.
    @Test(arguments: TestSeeds.list(2))
    func aTornLogIsAPrefixOfCommits(seed: UInt64) throws {
        let world = try TestStore()
        var stream = RecordStream(seed: seed, users: 2, cards: 2)
        var random = SplitMix64(seed: seed)
        var offsetsAfter: [[Int: Int64]] = [[:]]
        for round in 0..<20 {
            world.clock.advance(by: 1000)
            try world.commit(stream.next(Int.random(in: 1...30, using: &random)))
            offsetsAfter.append(world.next)
            if round == 8 { try world.store.fold() }
        }
        var recovered: Set<Int> = []
        for cut in 0..<15 {
            let copy = TemporaryFolder()
            copy.takeFiles(of: world.folder.path)
            let logs = TemporaryFolder.files(in: copy.path, endingIn: ".log").map { ($0, TemporaryFolder.read($0)) }
            let log = try #require(logs.max { $0.1.count < $1.1.count })
            // The first copy is not torn: a killed process loses nothing.
            if cut > 0 {
                TemporaryFolder.write(Array(log.1.prefix(Int.random(in: 0...log.1.count, using: &random))), to: log.0)
            }
            let store = try TestStore.open(copy, world.options, world.clock)
            let commits = Int(store.state.commit)
            if cut == 0 { #expect(commits == 20) }
            recovered.insert(commits)
            // A tear may reach back before the definitions: then there is nothing, and that is what is told.
            guard !store.catalog.histories.isEmpty, commits > 0 else {
                #expect(commits == 0)
                continue
            }
            for (partition, next) in offsetsAfter[commits] {
                #expect(
                    try store.offset(of: StreamID(source: 1, incarnation: 1, partition: Int32(partition))) == next,
                    "\(TestSeeds.hint(seed)), cut \(cut)"
                )
            }
            #expect(store.newestCommit.microseconds == world.arrivals[commits - 1])
            store.activate(World.definition(isGrown: false), definitionHash: "one")
            let plan = try TestStore.plan(store)
            let scratch = ReadScratch()
            for user in Int64(0)..<2 {
                let known = world.arrivals[commits - 1]
                let wanted = world.expected(
                    user,
                    user,
                    ReadPoint(asOf: .distantFuture, knownAt: Instant(microseconds: known))
                )
                try World.key(user, user).withUnsafeBytes { try store.read(plan, key: $0, at: Self.now, scratch) }
                for (index, feature) in plan.features.enumerated() {
                    #expect(
                        scratch.cells.value(index, type: feature.type) == wanted[index].value,
                        "\(TestSeeds.hint(seed)), cut \(cut), \(commits) commits"
                    )
                }
            }
            store.close()
        }
        #expect(recovered.count > 3, "the cuts fell at different commits")
    }

    // MARK: Refusals (P6)

    /// Changes one stored value behind the store's back.
    static func tamper(
        _ world: TestStore,
        _ family: (ColumnFamilies) -> ColumnFamily,
        _ body: ([UInt8], [UInt8]) -> (key: [UInt8], value: [UInt8])?
    ) throws {
        var writes = WriteBatch()
        var iterator = try world.store.database.makeIterator(in: family(world.store.families))
        iterator.seekToFirst()
        while iterator.isValid {
            if let (key, value) = body(Array(iterator.key), Array(iterator.value)) {
                writes.put(key, value, in: family(world.store.families))
            }
            iterator.next()
        }
        #expect(writes.count > 0, "something was changed")
        try world.store.database.write(writes, sync: true)
    }

    static func filled() throws -> TestStore {
        let world = try TestStore()
        var stream = RecordStream(seed: 2, users: 2, cards: 2)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(40))
        return world
    }

    static func expectRefusal(_ world: TestStore, _ code: StoreError.Code, _ text: String) {
        #expect { try world.reopen() } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.code == code && error.message.contains(text)
        }
    }

    @Test func unknownFormatsAreRefusedByName() throws {
        for version in [0, 1, 99] as [UInt64] {
            let world = try Self.filled()
            try Self.tamper(world, \.registry) { key, _ in
                key == RegistryKey.format ? (key, StoreKeys.number(version)) : nil
            }
            Self.expectRefusal(world, .unknownFormat, "format \(version)")
        }
        let short = try Self.filled()
        try Self.tamper(short, \.registry) { key, _ in key == RegistryKey.format ? (key, [1]) : nil }
        Self.expectRefusal(short, .unknownFormat, "unreadable")
        for prefix in ["state", "counters", "definitions/files", "history/", "source/"] {
            let world = try Self.filled()
            try Self.tamper(world, \.registry) { key, value in
                key.starts(with: prefix.utf8) ? (key, [9] + value.dropFirst()) : nil
            }
            Self.expectRefusal(world, .unknownFormat, "version 9")
        }
        let journal = try Self.filled()
        try Self.tamper(journal, \.journal) { key, value in (key, [7] + value.dropFirst()) }
        Self.expectRefusal(journal, .unknownFormat, "journal row version 7")
    }

    @Test func damagedRowsStopTheOpening() throws {
        for prefix in ["state", "counters", "definitions/files", "history/", "source/"] {
            for damage in [{ Array($0.dropLast()) }, { $0 + [0] }] as [([UInt8]) -> [UInt8]] {
                let world = try Self.filled()
                try Self.tamper(world, \.registry) { key, value in
                    key.starts(with: prefix.utf8) ? (key, damage(value)) : nil
                }
                Self.expectRefusal(world, .corruption, "byte")
            }
        }
        let cut = try Self.filled()
        try Self.tamper(cut, \.journal) { key, value in (key, Array(value.dropLast())) }
        Self.expectRefusal(cut, .corruption, "journal row")
        let beyond = try Self.filled()
        try Self.tamper(beyond, \.journal) { _, value in (StoreKeys.number(99), value) }
        Self.expectRefusal(beyond, .corruption, "out of place")
    }

    /// A journal row that is well formed but of another history, or with columns of other types: its slots would be read
    /// as what they are not.
    @Test func journalRowsMustFitTheRegistry() throws {
        let world = try Self.filled()
        try Self.tamper(world, \.journal) { key, _ in
            (key, JournalCodec.encode([(history: 77, batch: Self.row([.int64]))], arrival: 5))
        }
        Self.expectRefusal(world, .corruption, "history 77")
        for types in [[.string, .string, .string], [.float64, .int64, .string, .string]] as [[ValueType]] {
            let other = try Self.filled()
            try Self.tamper(other, \.journal) { key, _ in
                (key, JournalCodec.encode([(history: 1, batch: Self.row(types))], arrival: 5))
            }
            Self.expectRefusal(other, .corruption, "other columns")
        }
    }

    static func row(_ types: [ValueType]) -> EventBatch {
        let batch = EventBatch(types: ColumnTypes(types))
        _ = batch.appendRows(1)
        batch.times[0] = 1
        batch.streams[0] = 1
        batch.offsets[0] = 1
        batch.nulls[0] = 0
        batch.keyBytes = World.userKey(1)
        batch.keys[0] = UInt64(batch.keyBytes.count)
        for column in types.indices { batch.column(column)[0] = 0 }
        return batch
    }

    @Test func damagedLeavesAreNeverValues() throws {
        for damage in [{ Array($0.dropLast()) }, { $0 + [1] }, { _ in [] }, { [5] + $0.dropFirst() }]
            as [([UInt8]) -> [UInt8]]
        {
            let world = try Self.filled()
            try world.store.fold()
            world.store.evictAll()
            try Self.tamper(world, \.leaves) { key, value in (key, damage(value)) }
            #expect { try world.read(0, 0, Self.now) } throws: { error in
                (error as? StoreError).map { $0.code == .corruption || $0.code == .unknownFormat } ?? false
            }
            // A fold that meets the damage stops, too.
            var stream = RecordStream(seed: 5, users: 1, cards: 1)
            try world.commit(stream.next(3))
            #expect(throws: StoreError.self) { try world.store.fold() }
        }
    }

    @Test func aFlippedBitInATableIsCorruption() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 2, users: 30, cards: 30)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(4000))
        try world.store.fold()
        try world.store.database.flushAll()
        world.store.close()
        let tables = TemporaryFolder.files(in: world.folder.path, endingIn: ".sst").map {
            ($0, TemporaryFolder.read($0))
        }
        let largest = try #require(tables.max { $0.1.count < $1.1.count })
        var bytes = largest.1
        #expect(bytes.count > 50_000)
        for place in stride(from: 100, to: bytes.count / 2, by: 4000) { bytes[place] ^= 0x10 }
        TemporaryFolder.write(bytes, to: largest.0)
        var corruptions = 0
        do {
            try world.reopen()
            for user in Int64(0)..<30 {
                do { try world.check(user, user, Self.now, "a value from a damaged table") } catch let error
                    as StoreError
                {
                    #expect(error.code == .corruption)
                    corruptions += 1
                }
            }
        } catch let error as StoreError {
            #expect(error.code == .corruption)
            corruptions += 1
        }
        #expect(corruptions > 0)
    }
}
