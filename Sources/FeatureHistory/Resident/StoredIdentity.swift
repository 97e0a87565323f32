// An entity's identity where the entity is kept: in the entity's own slot while it is short, so that a search looks at one place.
//
//   short   length u8 | up to 23 bytes, the rest 0
//   long    255 u8 | 7 bytes of the length | address of the bytes | 0
//
// Short ones are equal when the three words are. Keys of two integers, or of a text of 13 letters, are short.

import Glibc

struct StoredIdentity {
    private var words: (UInt64, UInt64, UInt64)

    static let shortMax = 23
    private static let long: UInt64 = 255

    /// Borrows the bytes of a long one: for a search.
    @inline(__always)
    init(borrowing bytes: UnsafeRawBufferPointer) {
        words = (0, 0, 0)
        guard bytes.count <= Self.shortMax else {
            words = (Self.long | UInt64(bytes.count) << 8, UInt64(UInt(bitPattern: bytes.baseAddress)), 0)
            return
        }
        withUnsafeMutableBytes(of: &words) { own in
            own[0] = UInt8(truncatingIfNeeded: bytes.count)
            UnsafeMutableRawBufferPointer(rebasing: own[1...]).copyMemory(from: bytes)
        }
    }

    /// A short one, of a key of at most 16 bytes, without a detour through memory.
    ///
    /// - Parameters:
    ///   - low: the key's first eight bytes, the first one lowest; 0 where there are no more.
    ///   - high: the next eight.
    @inline(__always)
    init(history: UInt32, low: UInt64, high: UInt64, byteCount: Int) {
        let length = UInt64(byteCount)
        let head = UInt64(history.bigEndian) << 8 | UInt64(UInt16(truncatingIfNeeded: byteCount).bigEndian) << 40
        words = ((length + 6) | head | low << 56, low >> 8 | high << 56, high >> 8)
    }

    /// What `EntityIdentity.hash` gives for the bytes.
    @inline(__always)
    func hash(_ hash: SeededHash) -> UInt64 {
        guard isShort else { return hash.hash(longBytes) }
        let bytes = (words.0 >> 8 | words.1 << 56, words.1 >> 8 | words.2 << 56, words.2 >> 8)
        return hash.hash(bytes, byteCount: Int(words.0 & 255))
    }

    /// Owns its bytes from now on; must be `free`d.
    mutating func own() {
        guard !isShort else { return }
        let bytes = longBytes
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        copy.copyMemory(from: bytes)
        words.1 = UInt64(UInt(bitPattern: copy.baseAddress))
    }

    func free() {
        if !isShort { UnsafeMutableRawPointer(mutating: longBytes.baseAddress)?.deallocate() }
    }

    private var isShort: Bool { words.0 & 255 != Self.long }

    private var longBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(words.1)), count: Int(words.0 >> 8))
    }

    /// Bytes beside the slot.
    var byteCount: Int { isShort ? 0 : longBytes.count }

    @inline(__always)
    static func == (a: StoredIdentity, b: StoredIdentity) -> Bool {
        guard a.words.0 == b.words.0 else { return false }
        if a.words.0 & 255 != long { return a.words.1 == b.words.1 && a.words.2 == b.words.2 }
        let (own, other) = (a.longBytes, b.longBytes)
        guard let start = own.baseAddress, let otherStart = other.baseAddress else { return false }
        return memcmp(start, otherStart, own.count) == 0
    }

    /// For warming the cache: reads what a comparison reads first.
    @inline(__always)
    func touchSelf() -> Int { Int(truncatingIfNeeded: words.0) }

    /// For warming the cache: reads what a comparison reads beside the slot.
    func touch() -> Int { isShort ? 0 : Int(longBytes.first ?? 0) }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        guard isShort else { return body(longBytes) }
        return withUnsafeBytes(of: words) { own in
            body(UnsafeRawBufferPointer(rebasing: own[1..<(1 + Int(own[0]))]))
        }
    }

    /// The history of the entity.
    var history: UInt32 { withBytes { $0.loadUnaligned(as: UInt32.self).bigEndian } }
}
