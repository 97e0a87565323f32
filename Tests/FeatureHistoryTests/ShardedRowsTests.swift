import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// A commit's rows put side by side, shard by shard: all of them, each with its own identity, in the order in which they came.
@Suite struct ShardedRowsTests {
    /// What CPython 3.11 gives as `hash(bytes(range(n)))` under PYTHONHASHSEED=0, which is SipHash-1-3 with a key of zeros.
    static let known: [(count: Int, hash: UInt64)] = [
        (1, 0x68a9_1412_8e01_e473), (7, 0x2f09_8ab0_c751_325a), (8, 0xead4_11e6_7ebe_2eea),
        (9, 0x7592_7f9d_9512_4362), (15, 0xf30e_b725_bb91_c9ea), (16, 0x8972_1884_33a5_c5b7),
        (17, 0x4883_c49a_2c00_9c1d), (22, 0xf8ae_b106_6236_ccfe), (23, 0x3733_2b13_89da_a4ff),
        (24, 0x3118_5a47_af93_2f3a), (40, 0x95bc_321a_b41d_8206),
    ]

    @Test func seededHashIsSipHash() {
        let hash = SeededHash(0, 0)
        for (count, expected) in Self.known {
            let bytes = (0..<UInt8(count)).map { $0 }
            #expect(bytes.withUnsafeBytes { hash.hash($0) } == expected, "\(count) bytes")
        }
    }

    /// Rows of random keys: row r has event time r, and values that follow from it.
    static func batch(_ count: Int, keyBytesMax: Int, _ random: inout SplitMix64) -> EventBatch {
        let batch = EventBatch(types: [.int64, .string])
        for number in 0..<count {
            let length = Int(random.next() % UInt64(keyBytesMax)) + 1
            // Few different bytes: keys that begin alike, and entities with several rows.
            let key = (0..<length).map { _ in UInt8(random.next() % 2) }
            let row = key.withUnsafeBytes {
                batch.appendRow(EventOrder(time: Int64(number), stream: 7, offset: Int64(number) * 3), key: $0)
            }
            batch.arrivals[row] = 42
            batch.nulls[row] = UInt64(number % 2)
            batch.column(0)[row] = UInt64(number) * 5
            batch.column(1)[row] = Array("text \(number)".utf8).withUnsafeBytes { batch.store($0) }
        }
        return batch
    }

    @Test(arguments: TestSeeds.list(12)) func rowsAreAllThere(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        // Keys that all fit into an identity's words, and such that do not.
        let keyBytesMax = [9, 16, 17, 18, 60, 1024][Int(seed % 6)]
        let rows = Self.batch(Int(random.next() % 700), keyBytesMax: keyBytesMax, &random)
        let sharded = ShardedRows(rows, history: 0x0102_0304)
        defer { sharded.free() }
        var seen = 0
        for shard in 0..<ResidentEntities.shardCount {
            var last = Int64.min
            for row in sharded[shard] {
                let own = sharded.batch.times[row]
                let before = Int(own)
                #expect(own > last, "\(TestSeeds.hint(seed))")
                last = own
                let identity = rows.withKey(before) { EntityIdentity(history: 0x0102_0304, key: $0) }
                let isSame = sharded.identities[row] == StoredIdentity(borrowing: identity.bytes)
                #expect(isSame, "row \(before); \(TestSeeds.hint(seed))")
                #expect(sharded.identities[row].withBytes { Array($0) } == identity.copy)
                #expect(sharded.hashes[row] == EntityIdentity.hash(identity.bytes), "\(TestSeeds.hint(seed))")
                #expect(ResidentEntities.place(sharded.hashes[row]) == shard)
                #expect(sharded.batch.eventOrder(row) == rows.eventOrder(before))
                #expect(sharded.batch.arrivals[row] == 42 && sharded.batch.nulls[row] == rows.nulls[before])
                #expect(sharded.batch.column(0)[row] == rows.column(0)[before])
                #expect(
                    sharded.batch.string(sharded.batch.column(1)[row]) == rows.string(rows.column(1)[before])
                )
                seen += 1
            }
        }
        #expect(seen == rows.count, "\(TestSeeds.hint(seed))")
    }
}
