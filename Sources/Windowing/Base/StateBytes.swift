// The bytes of states: what a base stores. Little-endian words, LEB128 counts, length-prefixed bytes.

/// Appends the parts of a state.
struct StateWriter {
    var bytes: [UInt8] = []

    mutating func append<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// LEB128, at most 10 bytes; counts are not negative.
    mutating func append(count: some BinaryInteger) {
        var rest = UInt64(truncatingIfNeeded: count)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(string: UnsafeRawBufferPointer) {
        append(count: string.count)
        bytes.append(contentsOf: string)
    }
}

/// Reads what `StateWriter` wrote. nil wherever the bytes are not what it writes: never a trap.
struct StateReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var remaining: Int { bytes.count - index }

    mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        guard let part = readBytes(MemoryLayout<T>.size) else { return nil }
        return T(littleEndian: part.loadUnaligned(as: T.self))
    }

    /// A number of things that take at least `itemBytes` each: no more than the bytes that are left can hold.
    mutating func readCount(itemBytes: Int = 1) -> Int? {
        guard let value = readNumber(), value <= UInt64(remaining / max(1, itemBytes)) else { return nil }
        return Int(value)
    }

    /// A count that stands for itself.
    mutating func readNumber() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func readString() -> UnsafeRawBufferPointer? { readCount().flatMap { readBytes($0) } }

    private mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, remaining >= count else { return nil }
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + count)])
    }
}
