import FeatureModel
import NIOCore

extension BodyReader {
    /// Entities with their rows: together as many as the page has.
    mutating func runs(_ count: Int, rows: Int, _ joinKeys: [ValueType]) throws(WireError) -> [HistoryRun] {
        try expect(count, of: 6, "entities")
        var runs: [HistoryRun] = []
        runs.reserveCapacity(count)
        var left = rows
        for index in 0..<count {
            let own = Int(try integer("rows of an entity", as: UInt32.self))
            guard own > 0, own <= left else { throw .malformed("the entities' rows are not those of the page") }
            left -= own
            let key = try entityKey("an entity key")
            guard key.isKey(of: joinKeys) else { throw WireError.badKey(index, "does not have the join keys' types") }
            runs.append(HistoryRun(key: key, rows: own))
        }
        guard left == 0 else { throw .malformed("the entities' rows are not those of the page") }
        return runs
    }

    mutating func marks(_ count: Int) throws(WireError) -> [UInt8] {
        guard let bytes = slice(count) else { throw .truncated("a column") }
        let marks = Array(bytes.readableBytesView)
        guard marks.allSatisfy({ $0 <= 1 }) else { throw .malformed("a mark that is neither 0 nor 1") }
        return marks
    }

    mutating func historyColumn(_ type: ValueType, _ count: Int) throws(WireError) -> HistoryPageColumn {
        let isValid = try marks(count)
        let values: HistoryValues =
            switch type {
            case .int64: .int64(try integers(count))
            case .timestamp: .timestamp(try integers(count))
            case .float64: .float64(try integers(count))
            case .bool: .bool(try marks(count))
            case .string: try historyStrings(count)
            }
        return HistoryPageColumn(isValid: isValid, values: values)
    }

    private mutating func historyStrings(_ count: Int) throws(WireError) -> HistoryValues {
        let lengths = try integers(count, as: UInt32.self)
        var total = 0
        for length in lengths { total += Int(length) }
        guard let slice = slice(total) else { throw .truncated("the strings of a column") }
        let bytes = Array(slice.readableBytesView)
        guard bytes.isText(cutBy: lengths) else { throw WireError(.badRequest, "a string is not UTF-8") }
        return .string(lengths: lengths, bytes: bytes)
    }
}

extension [UInt8] {
    /// Whether the bytes are UTF-8, and each piece of them too.
    fileprivate func isText(cutBy lengths: [UInt32]) -> Bool {
        withUnsafeBytes { bytes in
            if bytes.allSatisfy({ $0 < 0x80 }) { return true }
            guard String(validating: bytes, as: UTF8.self) != nil else { return false }
            var start = 0
            for length in lengths {
                // A piece that begins within a character.
                if start < bytes.count, length > 0, bytes[start] & 0xc0 == 0x80 { return false }
                start += Int(length)
            }
            return true
        }
    }

    /// Whether they are an entity key of these join keys, whose texts are UTF-8.
    fileprivate func isKey(of joinKeys: [ValueType]) -> Bool {
        withUnsafeBytes { bytes in
            var start = 0
            for type in joinKeys {
                guard let component = EntityKey.component(in: bytes, at: start), component.type == type else {
                    return false
                }
                let end = start + component.byteCount
                if type == .string {
                    let text = UnsafeRawBufferPointer(rebasing: bytes[(start + 3)..<end])
                    guard String(validating: text, as: UTF8.self) != nil else { return false }
                }
                start = end
            }
            return start == bytes.count
        }
    }
}

extension ByteBuffer {
    /// Numbers as they stand in memory, which is little-endian: the store refuses other machines.
    mutating func writeArray<T: FixedWidthInteger>(_ values: [T]) {
        _ = values.withUnsafeBytes { writeBytes($0) }
    }
}
