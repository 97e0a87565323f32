public import FeatureModel
internal import NIOCore

// The request values of a LOOKUP or ROWS, as they stand before the keys:
//
//   size u32 | deadline u32, where there is one | row after row, each with one value a request field of PREPARED, each
//                type u8      0 for null, else the value type
//                value        int64, timestamp: i64   float64: f64, finite   bool: u8 (0, 1)
//                             string: u32 length, at most 65,536, UTF-8

/// Reads and writes request values.
public enum RequestRows {
    /// Checks that `bytes` are the values of `count` rows, and takes them.
    ///
    /// - Parameters:
    ///   - bytes: nil where the message has none.
    ///   - fields: what the prepared lookup asks for.
    /// - Throws: `BAD_REQUEST` for a value that is missing, of another type or out of its range, naming it;
    ///   `MALFORMED_FRAME` for a length that leaves the bytes and for bytes left over.
    public static func read(
        _ bytes: UnsafeRawBufferPointer?,
        count: Int,
        fields: [Field],
        into values: inout RequestValues
    ) throws(WireError) {
        values.begin(fieldCount: fields.count)
        guard let bytes else {
            guard fields.isEmpty else { throw .missing(fields) }
            return
        }
        guard !fields.isEmpty else { throw WireError(.badRequest, "the lookup takes no request values") }
        var reader = RequestReader(bytes: bytes)
        for row in 0..<count {
            for field in fields {
                guard !reader.isAtEnd else { throw .missing(field, row) }
                let type = reader.byte()
                guard type != 0 else {
                    values.appendNull()
                    continue
                }
                guard type == field.type.rawValue else { throw .wrongType(field, row, type) }
                try reader.value(field, row, into: &values)
            }
        }
        guard reader.isAtEnd else { throw .trailing(bytes.count - reader.index) }
    }

    /// What the codec of the owning messages reads: rows of values without a look at what was prepared.
    static func copy(_ bytes: UnsafeRawBufferPointer?, count: Int) throws(WireError) -> [[FeatureValue]] {
        guard let bytes else { return [] }
        var reader = BodyReader(ByteBuffer(bytes: bytes))
        var values: [FeatureValue] = []
        while reader.remaining > 0 {
            let rawValue = try reader.integer("a request value's type", as: UInt8.self)
            guard rawValue != 0 else {
                values.append(.null)
                continue
            }
            guard let type = ValueType(rawValue: rawValue) else {
                throw WireError(.badRequest, "a request value of type \(rawValue), which does not exist")
            }
            values.append(try reader.value(.single(type)))
        }
        guard !values.isEmpty, values.count % count == 0 else {
            throw .malformed("\(values.count) request values for \(count) rows")
        }
        let width = values.count / count
        return (0..<count).map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
    }

    /// Appends the size, the deadline and the rows; nothing of what there is not.
    static func write(_ rows: [[FeatureValue]], count: Int, _ deadline: UInt32?, into buffer: inout ByteBuffer)
        throws(WireError)
    {
        guard deadline != 0 else { throw .noTimeLeft() }
        guard !rows.isEmpty else {
            if let deadline { buffer.writeInteger(deadline, endianness: .little) }
            return
        }
        guard rows.count == count, let width = rows.first?.count, width > 0, rows.allSatisfy({ $0.count == width })
        else { throw WireError(.badRequest, "\(rows.count) rows of request values for \(count) entities") }
        let start = buffer.writerIndex
        buffer.writeInteger(0 as UInt32)
        if let deadline { buffer.writeInteger(deadline, endianness: .little) }
        let first = buffer.writerIndex
        for row in rows { for value in row { try write(value, into: &buffer) } }
        guard let size = UInt32(exactly: buffer.writerIndex - first) else {
            throw WireError(.tooMany, "request values beyond 4 GiB")
        }
        buffer.setInteger(size, at: start, endianness: .little)
    }

    private static func write(_ value: FeatureValue, into buffer: inout ByteBuffer) throws(WireError) {
        func type(_ type: ValueType) { buffer.writeInteger(type.rawValue) }
        switch value {
        case .null: buffer.writeInteger(0 as UInt8)
        case .int64(let number):
            type(.int64)
            buffer.writeInteger(number, endianness: .little)
        case .float64(let number):
            type(.float64)
            buffer.writeInteger(number.bitPattern, endianness: .little)
        case .bool(let flag):
            type(.bool)
            buffer.writeInteger(flag ? 1 : 0 as UInt8)
        case .timestamp(let instant):
            type(.timestamp)
            buffer.writeInteger(instant.microseconds, endianness: .little)
        case .string(let text):
            type(.string)
            try buffer.writeWireText(text, "a request value")
        case .list, .map: throw WireError(.badRequest, "a list or map cannot be a request value")
        }
    }
}

/// Reads values where they stand; every read is checked, nothing traps.
private struct RequestReader {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    var isAtEnd: Bool { index == bytes.count }

    /// The next byte, which the caller knows to be there.
    mutating func byte() -> UInt8 {
        defer { index += 1 }
        return bytes[index]
    }

    mutating func take(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - index else { throw .truncated("a request value") }
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + count)])
    }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(WireError) -> T {
        T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }

    mutating func value(_ field: Field, _ row: Int, into values: inout RequestValues) throws(WireError) {
        switch field.type {
        case .int64, .timestamp: values.append(try integer(Int64.self))
        case .float64:
            let number = Double(bitPattern: try integer(UInt64.self))
            guard number.isFinite else { throw .badValue(field, row, "is not a finite number") }
            values.append(number)
        case .bool:
            let flag = try integer(UInt8.self)
            guard flag <= 1 else { throw .badValue(field, row, "is a bool that is neither 0 nor 1") }
            values.append(Int64(flag))
        case .string:
            let count = Int(try integer(UInt32.self))
            let text = try take(count)
            guard count <= RequestValues.stringByteCountMax else {
                throw .badValue(field, row, "has \(count) bytes, beyond \(RequestValues.stringByteCountMax)")
            }
            guard String(validating: text, as: UTF8.self) != nil else { throw .badValue(field, row, "is not UTF-8") }
            values.append(utf8: text)
        }
    }
}

extension WireError {
    fileprivate static func missing(_ fields: [Field]) -> WireError {
        let names = fields.map { "'\($0.name)' (\($0.type.name))" }.joined(separator: ", ")
        return WireError(
            .badRequest,
            "the lookup needs the request values \(names); none came, and null is sent as null"
        )
    }

    fileprivate static func missing(_ field: Field, _ row: Int) -> WireError {
        badValue(field, row, "is missing; null is sent as null")
    }

    fileprivate static func wrongType(_ field: Field, _ row: Int, _ type: UInt8) -> WireError {
        let found = ValueType(rawValue: type)?.name ?? "of type \(type), which does not exist"
        return badValue(field, row, "is \(found), not \(field.type.name)")
    }

    fileprivate static func badValue(_ field: Field, _ row: Int, _ problem: String) -> WireError {
        WireError(.badRequest, "request value '\(field.name)' (\(field.type.name)) of row \(row + 1) \(problem)")
    }
}
