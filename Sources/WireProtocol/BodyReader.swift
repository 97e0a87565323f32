internal import FeatureModel
internal import NIOCore

/// Reads the fields of a body one after the other. For cold messages; every read is checked, nothing traps.
struct BodyReader {
    private(set) var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    var remaining: Int { bytes.readableBytes }

    mutating func integer<T: FixedWidthInteger>(_ field: StaticString, as type: T.Type = T.self) throws(WireError) -> T
    {
        guard let value = bytes.readInteger(endianness: .little, as: type) else { throw .truncated(field) }
        return value
    }

    /// A byte that may be 0 or 1.
    mutating func flag(_ field: StaticString) throws(WireError) -> Bool {
        let value = try integer(field, as: UInt8.self)
        guard value <= 1 else { throw .malformed("\(field) is \(value), neither 0 nor 1") }
        return value == 1
    }

    /// `u16` length, then UTF-8.
    mutating func string(_ field: StaticString) throws(WireError) -> String {
        try utf8(Int(try integer(field, as: UInt16.self)), field)
    }

    /// `u32` length, then UTF-8.
    mutating func text(_ field: StaticString) throws(WireError) -> String {
        try utf8(Int(try integer(field, as: UInt32.self)), field)
    }

    /// nil when fewer bytes are left.
    mutating func slice(_ count: Int) -> ByteBuffer? { bytes.readSlice(length: count) }

    mutating func utf8(_ count: Int, _ field: StaticString) throws(WireError) -> String {
        guard let slice = bytes.readSlice(length: count) else { throw .truncated(field) }
        guard let text = slice.withUnsafeReadableBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw WireError(.badRequest, "\(field) is not UTF-8")
        }
        return text
    }

    mutating func valueType(_ field: StaticString) throws(WireError) -> ValueType {
        let rawValue = try integer(field, as: UInt8.self)
        guard let type = ValueType(rawValue: rawValue) else { throw .malformed("\(field) \(rawValue) does not exist") }
        return type
    }

    mutating func featureType(_ field: StaticString) throws(WireError) -> FeatureType {
        let rawValue = try integer(field, as: UInt8.self)
        guard let type = FeatureType(rawValue: rawValue) else {
            throw .malformed("\(field) \(rawValue) does not exist")
        }
        return type
    }

    /// Checks that `count` items of at least `byteCountEach` bytes can be there before room is made for them.
    func expect(_ count: Int, of byteCountEach: Int, _ field: StaticString) throws(WireError) {
        let (needed, overflow) = count.multipliedReportingOverflow(by: byteCountEach)
        guard !overflow, needed <= remaining else { throw .truncated(field) }
    }

    func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailing(remaining) }
    }
}

extension ByteBuffer {
    /// `u16` length, then UTF-8. Throws `BAD_REQUEST` beyond 65,535 bytes.
    mutating func writeWireString(_ text: String, _ field: StaticString) throws(WireError) {
        guard let count = UInt16(exactly: text.utf8.count) else {
            throw WireError(.badRequest, "\(field) has \(text.utf8.count) bytes, beyond 65535")
        }
        writeInteger(count, endianness: .little)
        writeString(text)
    }

    /// `u32` length, then UTF-8. Throws `BAD_REQUEST` beyond 4 GiB.
    mutating func writeWireText(_ text: String, _ field: StaticString) throws(WireError) {
        guard let count = UInt32(exactly: text.utf8.count) else {
            throw WireError(.badRequest, "\(field) has \(text.utf8.count) bytes, beyond 4294967295")
        }
        writeInteger(count, endianness: .little)
        writeString(text)
    }
}
