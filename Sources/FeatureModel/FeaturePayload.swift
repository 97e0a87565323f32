// The bytes of a list or a map, as they stand in memory, on the wire and in replies. Little-endian.
//
//   list    count u32 | count x present u8 (0 null, 1) | the values that are present
//   map     count u32 | count x key | count x present u8 | the values that are present
//   value   int64, timestamp: i64    float64: IEEE 754 f64    bool: u8 (0, 1)    string: u32 length, UTF-8 bytes

public enum FeaturePayload {
    /// Appends a list; elements are values of one type, or null.
    public static func append(list values: [FeatureValue], to bytes: inout [UInt8]) {
        append(UInt32(truncatingIfNeeded: values.count), to: &bytes)
        append(optionals: values, to: &bytes)
    }

    /// Appends a map; keys are values of one type and never null.
    public static func append(map entries: [FeatureValue.Entry], to bytes: inout [UInt8]) {
        append(UInt32(truncatingIfNeeded: entries.count), to: &bytes)
        for entry in entries { append(entry.key, to: &bytes) }
        append(optionals: entries.map(\.value), to: &bytes)
    }

    /// Reads a payload; nil when the bytes are not one of this type.
    public static func decode(_ bytes: UnsafeRawBufferPointer, type: FeatureType) -> FeatureValue? {
        var reader = Reader(bytes: bytes)
        guard let count = reader.number(UInt32.self).map({ Int($0) }), count <= bytes.count else { return nil }
        var result: FeatureValue?
        switch type.shape {
        case .single: return nil
        case .list: result = reader.optionals(count, type.element).map { .list($0) }
        case .map(let key):
            var keys: [FeatureValue] = []
            for _ in 0..<count {
                guard let value = reader.value(key) else { return nil }
                keys.append(value)
            }
            result = reader.optionals(count, type.element).map { values in
                .map(zip(keys, values).map { FeatureValue.Entry(key: $0, value: $1) })
            }
        }
        return reader.isAtEnd ? result : nil
    }

    private static func append(optionals values: [FeatureValue], to bytes: inout [UInt8]) {
        for value in values { bytes.append(value == .null ? 0 : 1) }
        for value in values where value != .null { append(value, to: &bytes) }
    }

    private static func append(_ value: FeatureValue, to bytes: inout [UInt8]) {
        switch value {
        case .null, .list, .map: break
        case .int64(let number): append(UInt64(bitPattern: number), to: &bytes)
        case .float64(let number): append(number.bitPattern, to: &bytes)
        case .timestamp(let instant): append(UInt64(bitPattern: instant.microseconds), to: &bytes)
        case .bool(let flag): bytes.append(flag ? 1 : 0)
        case .string(let text):
            append(UInt32(truncatingIfNeeded: text.utf8.count), to: &bytes)
            bytes.append(contentsOf: text.utf8)
        }
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var index = 0

        var isAtEnd: Bool { index == bytes.count }

        mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
            guard count >= 0, count <= bytes.count - index else { return nil }
            defer { index += count }
            return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + count)])
        }

        mutating func number<T: FixedWidthInteger>(_ type: T.Type) -> T? {
            take(MemoryLayout<T>.size).map { T(littleEndian: $0.loadUnaligned(as: T.self)) }
        }

        mutating func value(_ type: ValueType) -> FeatureValue? {
            switch type {
            case .int64: return number(Int64.self).map { .int64($0) }
            case .float64: return number(UInt64.self).map { .float64(Double(bitPattern: $0)) }
            case .timestamp: return number(Int64.self).map { .timestamp(Instant(microseconds: $0)) }
            case .bool: return number(UInt8.self).flatMap { $0 > 1 ? nil : .bool($0 == 1) }
            case .string:
                guard let count = number(UInt32.self), let text = take(Int(count)) else { return nil }
                return String(validating: text, as: UTF8.self).map { .string($0) }
            }
        }

        mutating func optionals(_ count: Int, _ type: ValueType) -> [FeatureValue]? {
            guard let present = take(count) else { return nil }
            var values: [FeatureValue] = []
            for mark in present {
                guard mark <= 1 else { return nil }
                guard mark == 1 else {
                    values.append(.null)
                    continue
                }
                guard let value = value(type) else { return nil }
                values.append(value)
            }
            return values
        }
    }
}
