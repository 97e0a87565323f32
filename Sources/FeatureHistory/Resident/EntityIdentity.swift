import FeatureModel
import Windowing

/// The bytes that name an entity in memory and at the head of its leaf keys: history, key length, key. A buffer that is used
/// again from read to read. Owned by one thread.
final class EntityIdentity {
    private let memory: UnsafeMutableRawPointer
    private var count = headBytes

    static let headBytes = 6

    init() { memory = .allocate(byteCount: Self.headBytes + EntityKey.byteCountMax, alignment: 8) }

    convenience init(history: UInt32, key: UnsafeRawBufferPointer) {
        self.init()
        begin(history)
        append(key)
    }

    deinit { memory.deallocate() }

    /// Begins the identity of an entity of this history.
    @inline(__always)
    func begin(_ history: UInt32) {
        count = Self.headBytes
        memory.storeBytes(of: history.bigEndian, as: UInt32.self)
    }

    /// Adds bytes of the key; the caller has checked that they are those of join keys.
    @inline(__always)
    func append(_ key: UnsafeRawBufferPointer) {
        guard let start = key.baseAddress else { return }
        // Longer than any key: an empty one, which no entity has either.
        guard key.count <= Self.headBytes + EntityKey.byteCountMax - count else { return count = Self.headBytes }
        (memory + count).copyMemory(from: start, byteCount: key.count)
        count += key.count
    }

    var copy: [UInt8] { Array(bytes) }

    /// Valid until the next one is begun.
    var bytes: UnsafeRawBufferPointer {
        @inline(__always) get {
            memory.storeBytes(
                of: UInt16(truncatingIfNeeded: count - Self.headBytes).bigEndian,
                toByteOffset: 4,
                as: UInt16.self
            )
            return UnsafeRawBufferPointer(start: memory, count: count)
        }
    }

    /// Seeded per process, so that keys from outside cannot be chosen to collide. Never stored.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 { SeededHash.ofProcess.hash(bytes) }
}
