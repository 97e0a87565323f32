import Glibc

/// The bytes that name an entity in memory and at the head of its leaf keys: history, key length, key.
struct EntityIdentity {
    var bytes: [UInt8] = []

    init() {}

    init(history: UInt32, key: UnsafeRawBufferPointer) { set(history: history, key: key) }

    /// Replaces the identity, keeping the buffer.
    mutating func set(history: UInt32, key: UnsafeRawBufferPointer) {
        bytes.removeAll(keepingCapacity: true)
        StoreKeys.appendEntity(history: history, key: key, to: &bytes)
    }

    /// Seeded per process (SipHash), so that keys from outside cannot be chosen to collide. Never stored.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

@inline(__always)
func sameBytes(_ a: UnsafeRawPointer?, _ b: UnsafeRawPointer?, _ count: Int) -> Bool {
    guard let a, let b else { return count == 0 }
    return memcmp(a, b, count) == 0
}
