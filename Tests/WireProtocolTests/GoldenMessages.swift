import FeatureModel
import NIOCore
import WireProtocol

/// What the comments of the golden frames say, as messages.
enum GoldenMessages {
    static let time = Instant(microseconds: 1_700_000_000_123_456)
    static let known = Instant(microseconds: 1_700_000_000_123_461)
    static let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    static let types: [FeatureType] = [.int64, .float64, .string, .bool, .timestamp]
    static let joinKeys: [ValueType] = [.int64, .string]
    static let keys = [
        EntityKey.encode([.int64(42), .string("café")]) ?? [], EntityKey.encode([.int64(-1), .string("")]) ?? [],
    ]

    static let hello = Hello(versionMin: 1, versionMax: 3, token: "s3cret", clientName: "golden/1")
    static let helloAnonymous = Hello(clientName: "golden/1")
    static let helloOptions = Hello(
        versionMin: 1,
        versionMax: 3,
        token: "s3cret",
        clientName: "golden/1",
        options: .checksums
    )
    static let welcomeOptions = Welcome(serverName: "strandline/0.1", options: .checksums)
    static let errorDeadline = ErrorReply(WireError(.deadlineExceeded, "too late"))
    static let welcome = Welcome(serverName: "strandline/0.1")
    static let error = ErrorReply(WireError(.unknownService, "no service 'frau\u{308}d'; did you mean 'fraud'?"))
    static let errorOverloaded = ErrorReply(WireError(.overloaded, "retry later"))
    static let prepareService = PrepareRequest(.service("fraud@2"))
    static let prepareReferences = PrepareRequest(.references(["purchases:amount_sum_30d", "purchases:count_7d"]))
    static let prepared = PreparedReply(
        lookupID: 5,
        definitionHash: hash,
        joinKeys: [Field(name: "customer_id", type: .int64), Field(name: "merchant", type: .string)],
        features: zip(["v:n", "v:sum", "v:city", "v:ok", "v:seen"], types).map { .init(reference: $0, type: $1) }
    )
    static let preparedNested = PreparedReply(
        lookupID: 6,
        definitionHash: hash,
        joinKeys: prepared.joinKeys,
        features: zip(["v:last_n", "v:cities", "v:by_city", "v:by_n"], nestedTypes).map {
            .init(reference: $0, type: $1)
        }
    )
    static let lookup = LookupRequest(
        lookupID: 5,
        asOf: time,
        knownAt: known,
        boundary: .inclusive,
        wantsEventTimes: true,
        keys: keys
    )
    static let lookupNow = LookupRequest(lookupID: 5, keys: [keys[0]])
    static let lookupDeadline = LookupRequest(lookupID: 5, deadline: 2500, keys: [keys[0]])
    static let rows = RowsRequest(
        lookupID: 5,
        knownAt: known,
        boundary: .inclusive,
        asOf: [time, Instant(microseconds: 0)],
        keys: keys
    )
    static let rowsRowTime = RowsRequest(
        lookupID: 5,
        knownAt: known,
        rowTime: true,
        asOf: [time, Instant(microseconds: 0)],
        keys: keys
    )

    static let rowsEventTimes = RowsRequest(
        lookupID: 5,
        knownAt: known,
        wantsEventTimes: true,
        asOf: [time, Instant(microseconds: 0)],
        keys: keys
    )

    // MARK: Request values

    static let requestFields = zip(
        ["n", "amount", "word", "new", "since"],
        [.int64, .float64, .string, .bool, .timestamp]
    )
    .map { Field(name: $0, type: $1) }
    static let requestRows: [[FeatureValue]] = [
        [.int64(-7), .float64(0.1), .string("Zürich"), .bool(true), .timestamp(seen)],
        [.null, .float64(-2.5), .string(""), .null, .null],
    ]
    static let preparedRequest = PreparedReply(
        lookupID: 7,
        definitionHash: hash,
        joinKeys: prepared.joinKeys,
        features: [.init(reference: "r:ratio", type: .float64), .init(reference: "r:unusual", type: .bool)],
        request: requestFields
    )
    static let lookupRequest = LookupRequest(lookupID: 7, requestValues: requestRows, keys: keys)
    static let rowsRequest = RowsRequest(
        lookupID: 7,
        knownAt: known,
        asOf: [time, Instant(microseconds: 0)],
        requestValues: requestRows,
        keys: keys
    )
    static let rowsRequestDeadline = RowsRequest(
        lookupID: 7,
        knownAt: known,
        asOf: [time, Instant(microseconds: 0)],
        requestValues: requestRows,
        deadline: 4_000_000_000,
        keys: keys
    )

    // MARK: History pages

    private static let stream = StreamID(source: 1, incarnation: 1, partition: 3).rawValue
    static let historyPage = HistoryPageRequest(view: "purchases", rows: 100)
    static let historyPagePlace = HistoryPageRequest(
        view: "purchases",
        knownAt: known,
        start: time,
        end: time.advanced(by: 1_000_000),
        rows: 1,
        place: HistoryPlace(key: keys[0], time: time.microseconds, stream: stream, offset: 7)
    )
    static let historyPageReply = HistoryPageReply(
        knownAt: known,
        horizon: time.advanced(by: -10),
        availableFrom: .distantPast,
        progress: 250_000,
        droppedEntities: 2,
        droppedEvents: 9,
        schema: HistorySchemaMessage(
            viewHash: hash,
            source: "orders",
            filter: "status = 'paid'",
            eventID: "order_id",
            joinKeys: prepared.joinKeys,
            columns: [
                .init(name: "n", stored: "n", type: .int64), .init(name: "sum", stored: "= n * 0.5", type: .float64),
                .init(name: "city", stored: "city", type: .string), .init(name: "ok", stored: "ok", type: .bool),
                .init(name: "seen", stored: "seen", type: .timestamp),
            ]
        ),
        place: HistoryPlace(key: keys[1], time: time.microseconds, stream: stream, offset: 9),
        runs: [HistoryRun(key: keys[0], rows: 2), HistoryRun(key: keys[1], rows: 1)],
        times: [time.microseconds - 2, time.microseconds - 1, time.microseconds],
        arrivals: [known.microseconds - 1, known.microseconds, known.microseconds],
        streams: [stream, stream, stream],
        offsets: [7, 8, 9],
        deleted: [0, 0, 1],
        columns: [
            HistoryPageColumn(isValid: [1, 1, 0], values: .int64([-7, 5, 0])),
            HistoryPageColumn(isValid: [1, 0, 0], values: .float64([Double(0.1).bitPattern, 0, 0])),
            HistoryPageColumn(
                isValid: [1, 1, 0],
                values: .string(lengths: [7, 0, 0], bytes: Array("Zürich".utf8))
            ),
            HistoryPageColumn(isValid: [1, 1, 0], values: .bool([1, 0, 0])),
            HistoryPageColumn(isValid: [1, 0, 0], values: .timestamp([seen.microseconds, 0, 0])),
        ]
    )
    static let historyPageReplyEmpty = HistoryPageReply(
        knownAt: known,
        horizon: .distantPast,
        availableFrom: .distantPast,
        progress: 1_000_000,
        droppedEntities: 0,
        droppedEvents: 0,
        schema: HistorySchemaMessage(
            viewHash: hash,
            source: "orders",
            filter: "",
            eventID: "",
            joinKeys: [prepared.joinKeys[0]],
            columns: []
        ),
        place: nil,
        runs: [],
        times: [],
        arrivals: [],
        streams: [],
        offsets: [],
        deleted: nil,
        columns: []
    )

    static let admin = AdminRequest(verb: "dead_letters", body: #"{"after": 0, "limit": 100}"#)
    static let adminReply = AdminReply(body: #"{"ok": true}"#)

    static let seen = Instant(microseconds: time.microseconds - 1)

    static func values(eventTimes: Bool) -> ValuesReply {
        let present: [FeatureValue] = [.int64(-7), .float64(0.1), .string("Zürich"), .bool(true), .timestamp(seen)]
        let first = present.enumerated().map { index, value in
            let time = Instant(microseconds: time.microseconds - Int64(index + 1))
            return FeatureCell(status: .present, value: value, eventTime: eventTimes ? time : nil)
        }
        let second = [
            FeatureCell(status: .notFound, value: .int64(0)), FeatureCell(status: .notFound, value: .null),
            FeatureCell(status: .partial, value: .null), FeatureCell(status: .nullValue, value: .null),
            FeatureCell(status: .overflow, value: .null),
        ]
        return ValuesReply(asOf: time, knownAt: known, hasEventTimes: eventTimes, rows: [first, second])
    }

    static let columns = ColumnsReply(
        knownAt: known,
        count: 2,
        columns: [
            column([0x81, 0x83], .int64([-7, 0])), column([0x81, 3], .float64([0.1, 0])),
            column([0x81, 5], .string(["Zürich", ""])), column([0x81, 2], .bool([true, false])),
            column([0x81, 6], .timestamp([seen.microseconds, 0])),
        ]
    )

    static var columnsEventTimes: ColumnsReply {
        var reply = columns
        for place in reply.columns.indices {
            reply.columns[place].eventTimes = [time.microseconds - Int64(place + 1), .min]
        }
        return reply
    }

    // MARK: Lists and maps

    static let nestedTypes: [FeatureType] = [
        .list(of: .int64), .list(of: .string), .map(.string, to: .int64), .map(.int64, to: .float64),
    ]

    /// The types of a reply, by the name of its golden frame.
    static func types(of name: String) -> [FeatureType] { name.hasSuffix("_nested") ? nestedTypes : types }

    private static let numbers: [FeatureValue] = [.int64(-7), .int64(0), .null]
    private static let cities: [FeatureValue] = [.string("Zürich"), .null, .string("")]
    private static let byCity: [FeatureValue.Entry] = [
        .init(key: .string("Bern"), value: .int64(3)), .init(key: .string("Zürich"), value: .int64(1)),
    ]
    private static let byNumber: [FeatureValue.Entry] = [
        .init(key: .int64(-7), value: .float64(0.1)), .init(key: .int64(42), value: .null),
    ]

    static let valuesNested = ValuesReply(
        asOf: time,
        knownAt: known,
        hasEventTimes: false,
        rows: [
            [
                FeatureCell(status: .present, value: .list(numbers)),
                FeatureCell(status: .present, value: .list(cities)), FeatureCell(status: .present, value: .map(byCity)),
                FeatureCell(status: .partial, value: .map(byNumber)),
            ],
            [
                FeatureCell(status: .overflow, value: .null), FeatureCell(status: .present, value: .list([])),
                FeatureCell(status: .notFound, value: .map([])), FeatureCell(status: .nullValue, value: .null),
            ],
        ]
    )

    static let columnsNested = ColumnsReply(
        knownAt: known,
        count: 2,
        columns: [
            column([0x81, 6], .list([numbers, []])), column([0x81, 0x81], .list([cities, []])),
            column([0x81, 0x83], .map([byCity, []])), column([0x85, 2], .map([byNumber, []])),
        ]
    )

    private static func column(_ statuses: [UInt8], _ values: ColumnValues) -> FeatureColumn {
        FeatureColumn(statuses: statuses.map { StatusByte(rawValue: $0) }, values: values)
    }
}
