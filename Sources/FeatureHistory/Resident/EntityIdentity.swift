import Glibc
import Windowing

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

/// The identities of a batch's rows, side by side. Must be `free`d by its owner.
struct EntityIdentities {
    private let bytes: UnsafeMutableRawPointer
    private let keys: UnsafeMutablePointer<UInt64>

    private static let headBytes = 6

    init(_ batch: EventBatch, history: UInt32) {
        let count = batch.count
        keys = batch.keys
        bytes = .allocate(byteCount: batch.keyBytes.count + (count + 1) * Self.headBytes, alignment: 8)
        batch.keyBytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            for row in 0..<count {
                let start = Int(keys[row] >> 32)
                let length = Int(keys[row] & 0xffff_ffff)
                let target = bytes + start + row * Self.headBytes
                target.storeBytes(of: history.bigEndian, as: UInt32.self)
                target.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 4, as: UInt16.self)
                (target + Self.headBytes).copyMemory(from: base + start, byteCount: length)
            }
        }
    }

    @inline(__always)
    subscript(row: Int) -> UnsafeRawBufferPointer {
        let start = Int(keys[row] >> 32) + row * Self.headBytes
        return UnsafeRawBufferPointer(
            start: bytes + start,
            count: Int(keys[row] & 0xffff_ffff) + Self.headBytes
        )
    }

    func free() { bytes.deallocate() }
}

@inline(__always)
func sameBytes(_ a: UnsafeRawPointer?, _ b: UnsafeRawPointer?, _ count: Int) -> Bool {
    guard let a, let b else { return count == 0 }
    return memcmp(a, b, count) == 0
}
