/// Appends little-endian numbers, varints and length-prefixed bytes: the primitives of every stored value.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func append<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// LEB128, at most 10 bytes.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A signed number, zigzag coded: small magnitudes are short.
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    mutating func append(lengthPrefixed data: UnsafeRawBufferPointer) {
        append(varint: UInt64(data.count))
        bytes.append(contentsOf: data)
    }

    mutating func append(lengthPrefixed data: [UInt8]) {
        append(varint: UInt64(data.count))
        bytes.append(contentsOf: data)
    }

    mutating func append(string: String) {
        var copy = string
        copy.withUTF8 { append(lengthPrefixed: UnsafeRawBufferPointer($0)) }
    }

    /// A raw array, as it stands in memory (this machine is little-endian; `FormatVersion` checks that once).
    mutating func append(array pointer: UnsafeRawPointer, byteCount: Int) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: pointer, count: byteCount))
    }
}
