/// Reads what `ByteWriter` wrote. Every read is checked against the end: stored bytes that lie are `corruption`, never
/// a trap.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    /// What is read, for the error text.
    let subject: StaticString
    var index = 0

    init(_ bytes: UnsafeRawBufferPointer, subject: StaticString) {
        self.bytes = bytes
        self.subject = subject
    }

    var remaining: Int { bytes.count - index }

    func corrupt(_ what: String) -> StoreError {
        StoreError(.corruption, "\(subject): \(what) at byte \(index) of \(bytes.count)")
    }

    mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(StoreError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw corrupt("ends inside a number") }
        let value = UnsafeRawBufferPointer(rebasing: bytes[index..<(index + size)]).loadUnaligned(as: T.self)
        index += size
        return T(littleEndian: value)
    }

    mutating func readVarint() throws(StoreError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw corrupt("ends inside a varint")
    }

    mutating func readZigzag() throws(StoreError) -> Int64 {
        let value = try readVarint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A count that must be plausible for the bytes that are left, each item taking at least `itemBytes`.
    mutating func readCount(itemBytes: Int) throws(StoreError) -> Int {
        let value = try readVarint()
        guard value <= UInt64(remaining / max(1, itemBytes)) else { throw corrupt("count \(value) beyond the end") }
        return Int(value)
    }

    mutating func readBytes(_ count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
        guard count >= 0, remaining >= count else { throw corrupt("ends inside \(count) bytes") }
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + count)])
    }

    mutating func readLengthPrefixed() throws(StoreError) -> UnsafeRawBufferPointer {
        try readBytes(readCount(itemBytes: 1))
    }

    mutating func readString() throws(StoreError) -> String {
        guard let text = String(validating: try readLengthPrefixed(), as: UTF8.self) else {
            throw corrupt("text that is not UTF-8")
        }
        return text
    }

    mutating func expectEnd() throws(StoreError) {
        guard remaining == 0 else { throw corrupt("\(remaining) bytes too many") }
    }
}
