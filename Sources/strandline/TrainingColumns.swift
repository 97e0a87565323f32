import ArrowTables
import FeatureModel
import StrandlineClient
import WireProtocol

/// The features of some rows of a training set, a cell a row.
struct TrainingColumns: Sendable {
    let features: [PreparedReply.Feature]
    private(set) var knownAt: Instant
    private var columns: [TrainingColumn]

    /// - Parameter keepsEventTimes: false: of the events that counted only `ages` says something.
    init(features: [PreparedReply.Feature], count: Int, knownAt: Instant, keepsEventTimes: Bool) {
        self.features = features
        self.knownAt = knownAt
        columns = features.map { TrainingColumn($0.type, count: count, keepsEventTimes: keepsEventTimes) }
    }

    /// Of a feature by row: why each cell has the value that it has.
    func statuses(_ feature: Int) -> [StatusByte] { columns[feature].statuses }

    /// Of a feature how old the newest events that counted were.
    func ages(_ feature: Int) -> EventAges { columns[feature].ages }

    /// What the strings, lists and maps take.
    var variableByteCount: Int { columns.reduce(0) { $0 + $1.variableByteCount } }

    /// Takes over the columns of a part of the features, which stand at these places.
    mutating func take(_ part: TrainingColumns, at places: [Int]) {
        knownAt = part.knownAt
        for (index, place) in places.enumerated() { columns[place] = part.columns[index] }
    }

    mutating func take(_ reply: ColumnsResult, rows: ArraySlice<UInt32>, limits: EventLimits) {
        knownAt = reply.knownAt
        for (feature, column) in reply.columns.enumerated() { columns[feature].take(column, rows, limits) }
    }

    /// The features' names, or `view__feature` where two views share one.
    static func names(of features: [PreparedReply.Feature]) -> [String] {
        let names = features.map { FeatureReference($0.reference)?.feature ?? $0.reference }
        var counts: [String: Int] = [:]
        for name in names { counts[name, default: 0] += 1 }
        return zip(features, names).map { feature, name in
            counts[name] == 1 ? name : feature.reference.split(separator: ":").joined(separator: "__")
        }
    }

    /// The name of the column that says why a feature has the value that it has.
    static func statusName(of name: String) -> String { "\(name)__status" }

    /// The name of the column that says which event was the newest that counted.
    static func eventTimeName(of name: String) -> String { "\(name)__event_time" }

    /// Appends all columns; to be called once, since the values and event times are handed over. Statuses stay.
    func append(to table: inout Table, statusColumns: Bool, eventTimeColumns: Bool) throws {
        for (index, (feature, name)) in zip(features, Self.names(of: features)).enumerated() {
            try table.append(columns[index].handOver(name, feature.type))
            if statusColumns {
                let words = columns[index].statuses.map { $0.status?.name ?? "" }
                try table.append(
                    ArrowTables.FeatureColumn(
                        name: Self.statusName(of: name),
                        values: .string(words),
                        isValid: Array(repeating: true, count: words.count)
                    )
                )
            }
            if eventTimeColumns {
                let times = columns[index].handOverEventTimes()
                try table.append(
                    ArrowTables.FeatureColumn(
                        name: Self.eventTimeName(of: name),
                        values: .timestamp(times.map(Instant.init(microseconds:))),
                        isValid: times.map { $0 != .min }
                    )
                )
            }
        }
    }
}

/// One feature's cells: one of the lists of values is in use, as its type says.
// Safe to share: the task that fills it hands it to the thread that writes it.
private final class TrainingColumn: @unchecked Sendable {
    private let single: ValueType?
    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var flags: [Bool] = []
    private var times: [Instant] = []
    private var strings: [String] = []
    /// Lists and maps.
    private var nested: [FeatureValue] = []
    private(set) var statuses: [StatusByte]
    /// In microseconds, `Int64.min` where no event counted; empty when they are not kept.
    private var eventTimes: [Int64] = []
    private let keepsEventTimes: Bool
    private(set) var ages = EventAges()

    init(_ type: FeatureType, count: Int, keepsEventTimes: Bool) {
        single = type.single
        statuses = Array(repeating: StatusByte(.nullValue, hasValue: false), count: count)
        self.keepsEventTimes = keepsEventTimes
        if keepsEventTimes { eventTimes = Array(repeating: .min, count: count) }
        switch single {
        case .int64?: integers = Array(repeating: 0, count: count)
        case .float64?: doubles = Array(repeating: 0, count: count)
        case .bool?: flags = Array(repeating: false, count: count)
        case .timestamp?: times = Array(repeating: .distantPast, count: count)
        case .string?: strings = Array(repeating: "", count: count)
        case nil: nested = Array(repeating: .null, count: count)
        }
    }

    func take(_ column: WireProtocol.FeatureColumn, _ rows: ArraySlice<UInt32>, _ limits: EventLimits) {
        Self.scatter(column.statuses, to: rows, of: &statuses) { $0 }
        if let times = column.eventTimes {
            ages.add(times, rows: rows, limits)
            if keepsEventTimes { Self.scatter(times, to: rows, of: &eventTimes) { $0 } }
        }
        switch column.values {
        case .int64(let taken): Self.scatter(taken, to: rows, of: &integers) { $0 }
        case .float64(let taken): Self.scatter(taken, to: rows, of: &doubles) { $0 }
        case .bool(let taken): Self.scatter(taken, to: rows, of: &flags) { $0 }
        case .timestamp(let taken): Self.scatter(taken, to: rows, of: &times) { Instant(microseconds: $0) }
        case .string(let taken): Self.scatter(taken, to: rows, of: &strings) { $0 }
        case .list, .map:
            Self.scatter(Array(0..<column.statuses.count), to: rows, of: &nested) { column[$0] }
        }
    }

    @inline(__always)
    private static func scatter<Taken, Value>(
        _ taken: [Taken],
        to rows: ArraySlice<UInt32>,
        of values: inout [Value],
        _ value: (Taken) -> Value
    ) {
        for (place, row) in zip(taken.indices, rows) { values[Int(row)] = value(taken[place]) }
    }

    /// What the strings, lists and maps take, about.
    var variableByteCount: Int {
        strings.reduce(0) { $0 + $1.utf8.count } + nested.reduce(0) { $0 + $1.approximateByteCount }
    }

    func handOverEventTimes() -> [Int64] {
        defer { eventTimes = [] }
        return eventTimes
    }

    /// Hands the values over and keeps none: two copies of all features at once would be most of the command's memory.
    func handOver(_ name: String, _ type: FeatureType) -> ArrowTables.FeatureColumn {
        defer { (integers, doubles, flags, times, strings, nested) = ([], [], [], [], [], []) }
        let values: ArrowTables.FeatureColumn.Values
        switch single {
        case .int64?: values = .int64(integers)
        case .float64?: values = .float64(doubles)
        case .bool?: values = .bool(flags)
        case .timestamp?: values = .timestamp(times)
        case .string?: values = .string(strings)
        case nil: return ArrowTables.FeatureColumn(name: name, type: type, cells: nested)
        }
        return ArrowTables.FeatureColumn(name: name, values: values, isValid: statuses.map(\.hasValue))
    }
}

extension FeatureValue {
    /// With what it refers to.
    fileprivate var approximateByteCount: Int {
        let own = MemoryLayout<FeatureValue>.stride
        return switch self {
        case .string(let text): own + text.utf8.count
        case .list(let elements): own + 32 + elements.reduce(0) { $0 + $1.approximateByteCount }
        case .map(let entries):
            own + 32 + entries.reduce(0) { $0 + $1.key.approximateByteCount + $1.value.approximateByteCount }
        default: own
        }
    }
}
