// The hash of values for sketches: XXH64 with seed 0, as its public specification defines it (Y. Collet, "xxHash fast
// digest algorithm", doc/xxhash_spec.md). Hash and seed are part of the format: sketches of different stores merge.
//
//   32 bytes a step --> four lanes --> merged | 8 bytes a step | 4 | 1 | --> avalanche
//
// A slot is hashed as its 8 bytes, least significant first. Numbers equal as numbers must have equal bits: -0.0 is
// +0.0 since ingest.

public enum StableHash64 {
    public static let seed: UInt64 = 0

    /// The hash of an 8-byte slot: that of its bytes, without the loops.
    @inlinable
    public static func hash(slot: UInt64) -> UInt64 { avalanche(step8(seed &+ prime5 &+ 8, slot)) }

    /// The hash of a string's bytes.
    public static func hash(bytes: UnsafeRawBufferPointer) -> UInt64 { hash(bytes: bytes, seed: seed) }

    /// XXH64 of an 8-byte slot with any seed.
    @inlinable
    public static func hash(slot: UInt64, seed: UInt64) -> UInt64 { avalanche(step8(seed &+ prime5 &+ 8, slot)) }

    /// XXH64 with any seed.
    public static func hash(bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var offset = 0
        var hash: UInt64
        if bytes.count >= 32 {
            var a = seed &+ prime1 &+ prime2
            var b = seed &+ prime2
            var c = seed
            var d = seed &- prime1
            while bytes.count - offset >= 32 {
                a = round(a, load8(bytes, offset))
                b = round(b, load8(bytes, offset + 8))
                c = round(c, load8(bytes, offset + 16))
                d = round(d, load8(bytes, offset + 24))
                offset += 32
            }
            hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
            for lane in [a, b, c, d] { hash = (hash ^ round(0, lane)) &* prime1 &+ prime4 }
        } else {
            hash = seed &+ prime5
        }
        hash &+= UInt64(bytes.count)
        while bytes.count - offset >= 8 {
            hash = step8(hash, load8(bytes, offset))
            offset += 8
        }
        if bytes.count - offset >= 4 {
            let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            hash = rotate(hash ^ UInt64(word) &* prime1, 23) &* prime2 &+ prime3
            offset += 4
        }
        while offset < bytes.count {
            hash = rotate(hash ^ UInt64(bytes[offset]) &* prime5, 11) &* prime1
            offset += 1
        }
        return avalanche(hash)
    }

    @usableFromInline static let prime1: UInt64 = 0x9e37_79b1_85eb_ca87
    @usableFromInline static let prime2: UInt64 = 0xc2b2_ae3d_27d4_eb4f
    @usableFromInline static let prime3: UInt64 = 0x1656_67b1_9e37_79f9
    @usableFromInline static let prime4: UInt64 = 0x85eb_ca77_c2b2_ae63
    @usableFromInline static let prime5: UInt64 = 0x27d4_eb2f_1656_67c5

    @inlinable
    static func rotate(_ value: UInt64, _ places: UInt64) -> UInt64 { value &<< places | value &>> (64 &- places) }

    @inlinable
    static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 { rotate(lane &+ input &* prime2, 31) &* prime1 }

    @inlinable
    static func step8(_ hash: UInt64, _ input: UInt64) -> UInt64 {
        rotate(hash ^ round(0, input), 27) &* prime1 &+ prime4
    }

    @inlinable
    static func avalanche(_ hash: UInt64) -> UInt64 {
        var mixed = (hash ^ hash &>> 33) &* prime2
        mixed = (mixed ^ mixed &>> 29) &* prime3
        return mixed ^ mixed &>> 32
    }

    private static func load8(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
