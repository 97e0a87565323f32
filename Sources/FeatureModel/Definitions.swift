// The definitions of a feature repository, as plain values. `FeatureRepository` reads them from YAML; everything below
// it works with these.
//
//   feature service --> feature view, attribute view --> source (topic)
//         \                  |
//          \                 +--------> entity (join keys)
//           +-> on-demand feature view --> views, request values

/// Everything that a feature repository defines. Lists keep the order of the files.
public struct FeatureStoreDefinition: Hashable, Sendable {
    public var project: String
    public var entities: [Entity]
    public var sources: [Source]
    public var featureViews: [FeatureView]
    public var attributeViews: [AttributeView]
    public var onDemandFeatureViews: [OnDemandFeatureView]
    public var featureServices: [FeatureService]

    public init(
        project: String,
        entities: [Entity] = [],
        sources: [Source] = [],
        featureViews: [FeatureView] = [],
        attributeViews: [AttributeView] = [],
        onDemandFeatureViews: [OnDemandFeatureView] = [],
        featureServices: [FeatureService] = []
    ) {
        self.project = project
        self.entities = entities
        self.sources = sources
        self.featureViews = featureViews
        self.attributeViews = attributeViews
        self.onDemandFeatureViews = onDemandFeatureViews
        self.featureServices = featureServices
    }
}

/// A column with its type.
public struct Field: Hashable, Sendable {
    public var name: String
    public var type: ValueType
    public init(name: String, type: ValueType) {
        self.name = name
        self.type = type
    }
}

/// What features describe: a customer, a card, a (customer, merchant) pair.
public struct Entity: Hashable, Sendable {
    public var name: String
    /// In the order in which their values stand in an entity key. Types: `int64` or `string`.
    public var joinKeys: [Field]
    public var description: String
    public init(name: String, joinKeys: [Field], description: String = "") {
        self.name = name
        self.joinKeys = joinKeys
        self.description = description
    }
}

/// How a source states event time. Never guessed.
public enum TimestampFormat: String, Hashable, Sendable, CaseIterable {
    case iso8601
    case epochSeconds = "epoch_s"
    case epochMilliseconds = "epoch_ms"
    case epochMicroseconds = "epoch_us"
}

/// Where consumption of a partition begins when the store holds no offset for it.
public enum StartPosition: Hashable, Sendable {
    case earliest
    case latest
    /// The first record whose Kafka timestamp is at or after this instant.
    case time(Instant)
}

/// A Kafka topic of JSON events.
public struct Source: Hashable, Sendable {
    public var name: String
    public var topic: String
    public var timestampField: String
    public var timestampFormat: TimestampFormat
    public var start: StartPosition
    /// How far an event time may lie after the event's arrival, in microseconds; later ones are dead letters.
    public var maxFuture: Int64
    /// Records whose value is longer than this many bytes are dead letters.
    public var recordBytesMax: Int
    /// The topic that dead letters are forwarded to; nil keeps them in the store's outbox only.
    public var deadLetterTopic: String?
    /// The fields that views may use, with their types. Fields of the records that are not listed are skipped.
    public var schema: [Field]
    /// What stands around the fields; nil: the record is the fields' object.
    public var envelope: Envelope?
    /// How the record key of a record without a value names the entity that is deleted; nil: such records are no deletes.
    public var keyFormat: KeyFormat?
    /// The field, string or int64, that is the same in all copies of an event that a producer sent more than once; nil: every
    /// record is an event of its own.
    public var eventID: String?

    public static let maxFutureDefault: Int64 = 3_600_000_000
    public static let recordBytesMaxDefault = 1 << 20

    public init(
        name: String,
        topic: String,
        timestampField: String,
        timestampFormat: TimestampFormat,
        start: StartPosition = .earliest,
        maxFuture: Int64 = Self.maxFutureDefault,
        recordBytesMax: Int = Self.recordBytesMaxDefault,
        deadLetterTopic: String?,
        schema: [Field],
        envelope: Envelope? = nil,
        keyFormat: KeyFormat? = nil,
        eventID: String? = nil
    ) {
        self.name = name
        self.topic = topic
        self.timestampField = timestampField
        self.timestampFormat = timestampFormat
        self.start = start
        self.maxFuture = maxFuture
        self.recordBytesMax = recordBytesMax
        self.deadLetterTopic = deadLetterTopic
        self.schema = schema
        self.envelope = envelope
        self.keyFormat = keyFormat
        self.eventID = eventID
    }
}

/// One feature of a view: a function over a column in a window.
public struct Aggregation: Hashable, Sendable {
    /// The feature's name; `{column}_{function}_{window}` unless given.
    public var name: String
    public var function: AggregateFunction
    public var parameters: FunctionParameters
    /// nil counts events.
    public var column: String?
    /// A column whose values are categories: the result is a map from each to the function's value over its events.
    public var groupBy: String?
    public var timeWindow: TimeWindow
    /// How far before T the window ends, in microseconds.
    public var offset: Int64
    /// The value for an empty window instead of null.
    public var defaultValue: FeatureValue?

    public init(
        name: String? = nil,
        function: AggregateFunction,
        parameters: FunctionParameters = FunctionParameters(),
        column: String? = nil,
        groupBy: String? = nil,
        timeWindow: TimeWindow,
        offset: Int64 = 0,
        defaultValue: FeatureValue? = nil
    ) {
        self.name =
            name
            ?? Self.defaultName(
                function: function,
                parameters: parameters,
                column: column,
                groupBy: groupBy,
                timeWindow: timeWindow,
                offset: offset
            )
        self.function = function
        self.parameters = parameters
        self.column = column
        self.groupBy = groupBy
        self.timeWindow = timeWindow
        self.offset = offset
        self.defaultValue = defaultValue
    }

    /// The columns that it reads, whether of the source or derived.
    public var columnsRead: [String] { [column, groupBy].compactMap { $0 } }

    /// `amount_sum_30d`, `count_7d`, `amount_sum_30d_offset_30d`, `amount_sum_by_merchant_30d`.
    public static func defaultName(
        function: AggregateFunction,
        parameters: FunctionParameters = FunctionParameters(),
        column: String?,
        groupBy: String? = nil,
        timeWindow: TimeWindow,
        offset: Int64
    ) -> String {
        let group = groupBy.map { ["by", $0] } ?? []
        var parts = [function.label(parameters)] + group + [timeWindow.description]
        if let column { parts.insert(column, at: 0) }
        if offset != 0 { parts += ["offset", TimeWindow.text(microseconds: offset)] }
        return parts.joined(separator: "_")
    }
}

/// How long events stay readable.
public enum HistoryLength: Hashable, Sendable {
    case forever
    case microseconds(Int64)
}

/// Windowed aggregates of one source for one entity.
public struct FeatureView: Hashable, Sendable {
    public var name: String
    public var entity: String
    public var source: String
    public var history: HistoryLength
    /// Events for which it is not true do not count; nil lets every event count.
    public var filter: EventExpression?
    /// Columns beside those of the source.
    public var columns: [DerivedColumn]
    public var aggregations: [Aggregation]
    public var description: String
    public init(
        name: String,
        entity: String,
        source: String,
        history: HistoryLength = .forever,
        filter: EventExpression? = nil,
        columns: [DerivedColumn] = [],
        aggregations: [Aggregation],
        description: String = ""
    ) {
        self.name = name
        self.entity = entity
        self.source = source
        self.history = history
        self.filter = filter
        self.columns = columns
        self.aggregations = aggregations
        self.description = description
    }
}

extension FeatureStoreDefinition {
    /// How long events of a source stay: as long as the view that asks for the most. nil keeps them for good; so does a
    /// source that no view uses.
    public func historyLength(of source: String) -> Int64? {
        var longest: Int64?
        for view in views where view.source == source {
            guard case .microseconds(let length) = view.history else { return nil }
            longest = max(longest ?? length, length)
        }
        return longest
    }
}

/// A reference to one feature: `view:feature`.
public struct FeatureReference: Hashable, Sendable, CustomStringConvertible {
    public var view: String
    public var feature: String
    public init(view: String, feature: String) {
        self.view = view
        self.feature = feature
    }

    /// Parses `view:feature`; nil when there is not exactly one colon with text on both sides.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(view: String(parts[0]), feature: String(parts[1]))
    }

    public var description: String { "\(view):\(feature)" }
}

/// The list of features that a model uses, under a name and a version.
public struct FeatureService: Hashable, Sendable {
    public var name: String
    public var version: Int
    /// In the order of the answer. `view:*` is already spelled out here.
    public var features: [FeatureReference]
    public var description: String
    public init(name: String, version: Int = 1, features: [FeatureReference], description: String = "") {
        self.name = name
        self.version = version
        self.features = features
        self.description = description
    }
}
