// Lists and maps as the client reads them. FeaturePayload lays them out; here every one of them is checked.

internal import FeatureModel
internal import NIOCore

extension BodyReader {
    /// Reads a list or map of `byteCount` bytes.
    mutating func payload(_ byteCount: Int, _ type: FeatureType) throws(WireError) -> FeatureValue {
        guard let bytes = slice(byteCount) else { throw .truncated("a value") }
        let value = bytes.withUnsafeReadableBytes { FeaturePayload.decode($0, type: type) }
        guard let value else { throw .malformed("bytes that are no \(type.name)") }
        if case .map(let entries) = value, Set(entries.map { KeyIdentity($0.key) }).count < entries.count {
            throw .malformed("a map that holds a key twice")
        }
        return value
    }

    /// Reads a column of lists or maps: all lengths, then all bytes.
    mutating func payloads(_ type: FeatureType, _ statuses: [StatusByte]) throws(WireError) -> ColumnValues {
        let lengths = try integers(statuses.count, as: UInt32.self)
        var lists: [[FeatureValue]] = []
        var maps: [[FeatureValue.Entry]] = []
        for (status, length) in zip(statuses, lengths) {
            guard status.hasValue || length == 0 else { throw .malformed("bytes of a value that is not there") }
            switch status.hasValue ? try payload(Int(length), type) : .null {
            case .list(let elements): lists.append(elements)
            case .map(let entries): maps.append(entries)
            default: type.shape == .list ? lists.append([]) : maps.append([])
            }
        }
        return type.shape == .list ? .list(lists) : .map(maps)
    }
}

/// What makes two keys of a map the same: their bytes. Two spellings of one letter are two keys, although Swift's strings call
/// them equal.
private enum KeyIdentity: Hashable {
    case text([UInt8])
    case value(FeatureValue)

    init(_ key: FeatureValue) {
        if case .string(let text) = key { self = .text(Array(text.utf8)) } else { self = .value(key) }
    }
}
