// How a source of changes says that an entity is gone, and which entity it was.
//
//   key_format          record without a value          -> a delete; the record key names the entity
//   envelope: debezium  {"before", "after", "op", ...}  -> a row's change; op d is a delete
//
// A delete is an event, the tombstone: of its columns only the entity key, the event time and the position are there.

/// How the record key names the entity.
public enum KeyFormat: String, Hashable, Sendable, CaseIterable {
    /// A JSON object with the join keys as fields.
    case json
    /// The bytes are the one join key's value, UTF-8.
    case string
    /// The bytes are the one join key's value, in decimal digits.
    case int64

    /// The longest record key that is looked at, in bytes; an entity key is at most 1,024 of them.
    public static let recordKeyBytesMax = 65_536

    /// The type of the one join key that a bare value names; nil for `json`.
    public var joinKeyType: ValueType? {
        switch self {
        case .json: nil
        case .string: .string
        case .int64: .int64
        }
    }
}

/// What stands around the fields of a record.
public enum Envelope: String, Hashable, Sendable, CaseIterable {
    /// Debezium's change events: fields are read from `after`, event time from `source.ts_ms`.
    case debezium

    /// How the event time of a Debezium source is named, in definitions and messages, unless a field of the row has it.
    /// No column can have this name.
    public static let debeziumTime = "source.ts_ms"
}

extension Source {
    /// Whether events of the source may be tombstones.
    public var hasTombstones: Bool { keyFormat != nil || envelope != nil }
}
