// The bytes of an entity key: the join keys' values in the order of the entity's join keys, each
//
//   int64   01 | 8 bytes, big-endian, sign bit flipped          (so that byte order is number order)
//   string  03 | length, 2 bytes big-endian | UTF-8 bytes
//
// One join key's end follows from its own bytes, so keys of several join keys cannot be confused with each other, and
// no key is a prefix of another key of the same entity. The same bytes stand in RocksDB keys, in memory and on the
// wire: a lookup never re-encodes them.

public enum EntityKey {
    /// The most bytes that an entity key may have.
    public static let byteCountMax = 1024

    /// What an integer takes.
    public static let integerByteCount = 9

    /// Writes an integer where there is room for `integerByteCount`.
    @inlinable
    public static func write(_ value: Int64, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: ValueType.int64.rawValue, as: UInt8.self)
        target.storeBytes(of: (UInt64(bitPattern: value) ^ (1 << 63)).bigEndian, toByteOffset: 1, as: UInt64.self)
    }

    public static func append(_ value: Int64, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: integerByteCount, alignment: 8) { room in
            guard let start = room.baseAddress else { return }
            write(value, to: start)
            bytes.append(contentsOf: room)
        }
    }

    /// What a string of so many bytes takes; nil when it is too long for a key.
    @inlinable
    public static func byteCount(ofString count: Int) -> Int? { count <= byteCountMax ? 3 + count : nil }

    /// Writes a string where there is room for it.
    @inlinable
    public static func write(_ utf8: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: ValueType.string.rawValue, as: UInt8.self)
        target.storeBytes(of: UInt16(truncatingIfNeeded: utf8.count).bigEndian, toByteOffset: 1, as: UInt16.self)
        if let start = utf8.baseAddress { (target + 3).copyMemory(from: start, byteCount: utf8.count) }
    }

    /// - Returns: false when the string is too long for a key; nothing is appended then.
    @discardableResult
    public static func append(_ utf8: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
        guard let byteCount = byteCount(ofString: utf8.count) else { return false }
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 8) { room in
            guard let start = room.baseAddress else { return }
            write(utf8, to: start)
            bytes.append(contentsOf: room)
        }
        return true
    }

    /// Encodes join key values; nil when a value is null or of a type that cannot be a join key, or the key is too long.
    public static func encode(_ values: [FeatureValue]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for value in values {
            switch value {
            case .int64(let number): append(number, to: &bytes)
            case .string(var text):
                guard text.withUTF8({ append(UnsafeRawBufferPointer($0), to: &bytes) }) else { return nil }
            default: return nil
            }
        }
        return bytes.count <= byteCountMax ? bytes : nil
    }

    /// The length of the join key value that starts at `start`, and its type; nil when the bytes are not one.
    @inlinable
    public static func component(in bytes: UnsafeRawBufferPointer, at start: Int) -> (type: ValueType, byteCount: Int)?
    {
        guard start >= 0, start < bytes.count else { return nil }
        let left = bytes.count - start
        switch bytes[start] {
        case ValueType.int64.rawValue:
            return left >= 9 ? (.int64, 9) : nil
        case ValueType.string.rawValue:
            guard left >= 3 else { return nil }
            let count = 3 + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
            return left >= count ? (.string, count) : nil
        default:
            return nil
        }
    }

    /// Decodes a key into its join key values; nil when the bytes are not a key.
    public static func decode(_ bytes: UnsafeRawBufferPointer) -> [FeatureValue]? {
        var values: [FeatureValue] = []
        var start = 0
        while start < bytes.count {
            guard let (type, count) = component(in: bytes, at: start) else { return nil }
            let body = UnsafeRawBufferPointer(rebasing: bytes[(start + 1)..<(start + count)])
            if type == .int64 {
                let flipped = UInt64(bigEndian: body.loadUnaligned(as: UInt64.self))
                values.append(.int64(Int64(bitPattern: flipped ^ (1 << 63))))
            } else {
                guard let text = String(validating: body.dropFirst(2), as: UTF8.self) else { return nil }
                values.append(.string(text))
            }
            start += count
        }
        return values
    }
}
