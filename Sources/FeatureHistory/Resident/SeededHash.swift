// SipHash-1-3 (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012), which Swift's own `Hasher` is too: here without
// the calls and the buffer between, which cost more than the hash of a key of some bytes.
//
//   key (128 bits) --> v0 v1 v2 v3 --> 8 bytes a step, one round each --> the rest and the length --> three rounds --> 64 bits

/// A hash that nobody can aim at who does not know its key. Not part of any format.
struct SeededHash {
    private let k0: UInt64
    private let k1: UInt64

    /// With a key of this process.
    static let ofProcess = SeededHash(.random(in: .min ... .max), .random(in: .min ... .max))

    init(_ k0: UInt64, _ k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }

    @inline(__always)
    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = State(k0, k1)
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        if let start = bytes.baseAddress {
            var offset = 0
            while bytes.count - offset >= 8 {
                state.take(UInt64(littleEndian: (start + offset).loadUnaligned(as: UInt64.self)))
                offset += 8
            }
            var shift: UInt64 = 0
            while offset < bytes.count {
                last |= UInt64((start + offset).load(as: UInt8.self)) &<< shift
                shift &+= 8
                offset += 1
            }
        }
        state.take(last)
        return state.finish()
    }

    /// The same of at most 23 bytes that are in words already, the first one lowest; those behind the last are 0.
    @inline(__always)
    func hash(_ words: (UInt64, UInt64, UInt64), byteCount: Int) -> UInt64 {
        var state = State(k0, k1)
        var rest = words.0
        if byteCount >= 8 {
            state.take(rest)
            rest = words.1
        }
        if byteCount >= 16 {
            state.take(rest)
            rest = words.2
        }
        state.take(rest | UInt64(truncatingIfNeeded: byteCount) << 56)
        return state.finish()
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        @inline(__always)
        init(_ k0: UInt64, _ k1: UInt64) {
            v0 = k0 ^ 0x736f_6d65_7073_6575
            v1 = k1 ^ 0x646f_7261_6e64_6f6d
            v2 = k0 ^ 0x6c79_6765_6e65_7261
            v3 = k1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func take(_ word: UInt64) {
            v3 ^= word
            round()
            v0 ^= word
        }

        @inline(__always)
        mutating func finish() -> UInt64 {
            v2 ^= 0xff
            round()
            round()
            round()
            return v0 ^ v1 ^ v2 ^ v3
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = v1 &<< 13 | v1 &>> 51
            v1 ^= v0
            v0 = v0 &<< 32 | v0 &>> 32
            v2 &+= v3
            v3 = v3 &<< 16 | v3 &>> 48
            v3 ^= v2
            v0 &+= v3
            v3 = v3 &<< 21 | v3 &>> 43
            v3 ^= v0
            v2 &+= v1
            v1 = v1 &<< 17 | v1 &>> 47
            v1 ^= v2
            v2 = v2 &<< 32 | v2 &>> 32
        }
    }
}
