// Stored values as they are written: bytes in memory of their own, that grows.
//
//   start --> | bytes so far, `count` of them | room |
//
// A leaf is some hundred varints: an array would be asked for each of their bytes whether it is shared and has room.

/// Appends little-endian numbers, varints and length-prefixed bytes: the primitives of every stored value.
struct ByteWriter: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    private static let varintBytesMax = 10

    init(capacity: Int = 64) {
        self.capacity = max(64, capacity)
        start = .allocate(byteCount: self.capacity, alignment: 8)
    }

    deinit { start.deallocate() }

    /// A copy of what was written.
    var bytes: [UInt8] { withBytes { Array($0) } }

    /// Lends what was written.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Forgets what was written; keeps the memory.
    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append<T: FixedWidthInteger>(_ value: T) {
        makeRoom(MemoryLayout<T>.size)
        start.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    /// LEB128, at most 10 bytes.
    @inline(__always)
    mutating func append(varint value: UInt64) {
        makeRoom(Self.varintBytesMax)
        var rest = value
        var end = count
        while rest >= 0x80 {
            start.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: end, as: UInt8.self)
            end += 1
            rest >>= 7
        }
        start.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: end, as: UInt8.self)
        count = end + 1
    }

    /// A signed number, zigzag coded: small magnitudes are short.
    @inline(__always)
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    mutating func append(lengthPrefixed data: UnsafeRawBufferPointer) {
        append(varint: UInt64(data.count))
        guard let base = data.baseAddress else { return }
        append(array: base, byteCount: data.count)
    }

    mutating func append(lengthPrefixed data: [UInt8]) {
        data.withUnsafeBytes { append(lengthPrefixed: $0) }
    }

    mutating func append(string: String) {
        var copy = string
        copy.withUTF8 { append(lengthPrefixed: UnsafeRawBufferPointer($0)) }
    }

    /// A raw array, as it stands in memory (this machine is little-endian; `FormatVersion` checks that once).
    mutating func append(array pointer: UnsafeRawPointer, byteCount: Int) {
        makeRoom(byteCount)
        (start + count).copyMemory(from: pointer, byteCount: byteCount)
        count += byteCount
    }

    /// Makes room for so many bytes more at once.
    mutating func reserve(_ more: Int) { makeRoom(more) }

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if capacity - count < more { grow(to: count + more) }
    }

    private mutating func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        grown.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = grown
    }
}
