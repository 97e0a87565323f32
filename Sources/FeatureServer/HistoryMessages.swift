// The JSON of the verbs that show what histories hold: `definitions`, `sample_entities`, `entity_history`. Single instants
// are ISO 8601; lists of them are microseconds since the epoch.

public import FeatureModel
import Windowing

/// Reply of `definitions`: the files that are in force, as they were applied.
public struct DefinitionsMessage: Codable, Sendable {
    public var files: [DefinitionFilesMessage.File]
    public var definitionHash: String
}

/// A join key's value: a number or a text.
public enum KeyValueMessage: Codable, Hashable, Sendable {
    case int64(Int64)
    case string(String)

    /// nil for a value that no join key can have.
    public init?(_ value: FeatureValue) {
        switch value {
        case .int64(let number): self = .int64(number)
        case .string(let text): self = .string(text)
        default: return nil
        }
    }

    public var value: FeatureValue {
        switch self {
        case .int64(let number): .int64(number)
        case .string(let text): .string(text)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            self = .int64(number)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .int64(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        }
    }
}

/// Body of `sample_entities`.
public struct SampleEntitiesRequest: Codable, Sendable {
    public var source: String
    public var entity: String
    public var count: Int
    public var seed: UInt64

    public init(source: String, entity: String, count: Int, seed: UInt64) {
        self.source = source
        self.entity = entity
        self.count = count
        self.seed = seed
    }
}

/// Reply of `sample_entities`.
public struct SampleEntitiesMessage: Codable, Sendable {
    /// One a entity: the join keys' values in the order of the entity's join keys.
    public var keys: [[KeyValueMessage]]
    /// Arrival of the newest visible commit before the sample was drawn; absent before the first commit.
    public var newestCommit: String?
}

/// An event's place in its entity's history.
public struct EventPlaceMessage: Codable, Hashable, Sendable {
    /// Event time, microseconds.
    public var time: Int64
    public var incarnation: UInt16
    public var partition: Int32
    public var offset: Int64
}

/// Body of `entity_history`.
public struct EntityHistoryRequest: Codable, Sendable {
    public var source: String
    public var entity: String
    /// In the order of the entity's join keys.
    public var key: [KeyValueMessage]
    /// `next` of the page before; absent begins.
    public var after: EventPlaceMessage?
    /// The most events of the page, 1 to 10,000.
    public var limit: Int

    public init(
        source: String,
        entity: String,
        key: [KeyValueMessage],
        after: EventPlaceMessage? = nil,
        limit: Int = 1000
    ) {
        self.source = source
        self.entity = entity
        self.key = key
        self.after = after
        self.limit = limit
    }
}

/// Reply of `entity_history`: a page of events, oldest first. Lists have one item an event.
public struct EntityHistoryMessage: Codable, Sendable {
    /// What history has dropped of the entity: its oldest events.
    public struct Dropped: Codable, Hashable, Sendable {
        public var events: Int64
        public var firstTime: String
        public var lastTime: String
        public var newestArrival: String
    }

    /// A stored column. Values are of its type, or null; times are microseconds.
    public struct Column: Sendable {
        public var name: String
        public var type: ValueType
        /// From when on values are complete; absent when they always were.
        public var availableFrom: String?
        public var values: [FeatureValue]
    }

    public var definitionHash: String
    /// Event times and arrivals.
    public var times: [Int64]
    public var arrivals: [Int64]
    public var incarnations: [UInt16]
    public var partitions: [Int32]
    public var offsets: [Int64]
    public var columns: [Column]
    /// From when on the history is complete; absent when it always was.
    public var availableFrom: String?
    /// Events of the source whose time and arrival both lie before it may be gone; absent while all are kept.
    public var horizon: String?
    public var dropped: Dropped?
    /// Where to go on; absent on the last page.
    public var next: EventPlaceMessage?
}

extension EntityHistoryMessage.Column: Codable {
    private enum CodingKeys: String, CodingKey { case name, type, availableFrom, values }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        let word = try container.decode(String.self, forKey: .type)
        guard let type = ValueType(name: word) else {
            throw DecodingError.dataCorruptedError(
                forKey: .type,
                in: container,
                debugDescription: "'\(word)' is no type"
            )
        }
        self.type = type
        availableFrom = try container.decodeIfPresent(String.self, forKey: .availableFrom)
        var list = try container.nestedUnkeyedContainer(forKey: .values)
        values = []
        while !list.isAtEnd {
            if try list.decodeNil() {
                values.append(.null)
                continue
            }
            switch type {
            case .int64: values.append(.int64(try list.decode(Int64.self)))
            case .float64: values.append(.float64(try list.decode(Double.self)))
            case .string: values.append(.string(try list.decode(String.self)))
            case .bool: values.append(.bool(try list.decode(Bool.self)))
            case .timestamp: values.append(.timestamp(Instant(microseconds: try list.decode(Int64.self))))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(type.name, forKey: .type)
        try container.encodeIfPresent(availableFrom, forKey: .availableFrom)
        var list = container.nestedUnkeyedContainer(forKey: .values)
        for value in values {
            switch value {
            case .int64(let number): try list.encode(number)
            case .float64(let number): try list.encode(number)
            case .string(let text): try list.encode(text)
            case .bool(let flag): try list.encode(flag)
            case .timestamp(let instant): try list.encode(instant.microseconds)
            case .null, .list, .map: try list.encodeNil()
            }
        }
    }

    /// A column of a batch.
    init(_ column: (name: String, type: ValueType, availableFrom: String?), at index: Int, of batch: EventBatch) {
        (name, type, availableFrom) = column
        let slots = batch.column(index)
        values = (0..<batch.count).map { row in
            if batch.isNull(index, row) { return .null }
            switch batch.types[index] {
            case .int64: return .int64(Int64(bitPattern: slots[row]))
            case .float64: return .float64(Double(bitPattern: slots[row]))
            case .string: return .string(String(decoding: batch.string(slots[row]), as: UTF8.self))
            case .bool: return .bool(slots[row] != 0)
            case .timestamp: return .timestamp(Instant(microseconds: Int64(bitPattern: slots[row])))
            }
        }
    }
}
