import FeatureHistory
import FeatureModel
import FeatureTesting
import Glibc
import KafkaLog
import Logging
import Testing
import Windowing

@testable import Ingest

/// Definitions for ingest tests: one source with a column of every type, one or two entities.
enum Purchases {
    static let columns = [
        Field(name: "amount", type: .float64), Field(name: "quantity", type: .int64),
        Field(name: "name", type: .string),
        Field(name: "flag", type: .bool), Field(name: "seen", type: .timestamp),
    ]

    static func definition(
        format: TimestampFormat = .iso8601,
        history: HistoryLength = .forever,
        recordBytesMax: Int = 1 << 20,
        deadLetterTopic: String? = "purchases.dlq",
        start: StartPosition = .earliest,
        isCardUsed: Bool = false
    ) -> FeatureStoreDefinition {
        let aggregations =
            columns.map {
                Aggregation(name: "last_\($0.name)", function: .last, column: $0.name, timeWindow: .lifetime)
            }
            + [
                Aggregation(name: "count", function: .count, timeWindow: .lifetime),
                Aggregation(name: "sum", function: .sum, column: "amount", timeWindow: .lifetime),
            ]
        var views = [
            FeatureView(name: "v", entity: "user", source: "purchases", history: history, aggregations: aggregations)
        ]
        if isCardUsed {
            views.append(
                FeatureView(
                    name: "c",
                    entity: "card",
                    source: "purchases",
                    history: history,
                    aggregations: [Aggregation(name: "count", function: .count, timeWindow: .lifetime)]
                )
            )
        }
        return FeatureStoreDefinition(
            project: "test",
            entities: [
                Entity(name: "user", joinKeys: [Field(name: "user", type: .string)]),
                Entity(name: "card", joinKeys: [Field(name: "card", type: .int64)]),
            ],
            sources: [
                Source(
                    name: "purchases",
                    topic: "purchases",
                    timestampField: "t",
                    timestampFormat: format,
                    start: start,
                    recordBytesMax: recordBytesMax,
                    deadLetterTopic: deadLetterTopic,
                    schema: columns + [Field(name: "user", type: .string), Field(name: "card", type: .int64)]
                )
            ],
            featureViews: views
        )
    }
}

/// A store with a `RecordIntake` on it, fed by hand.
final class IntakeBench {
    let folder = TemporaryFolder()
    let store: FeatureStore
    let intake: RecordIntake

    init(_ definition: FeatureStoreDefinition = Purchases.definition()) throws {
        store = try FeatureStore(directory: folder.path, options: StoreOptions()) {
            Instant(microseconds: 1_700_000_000_000_000)
        }
        try store.apply(definition, definitionHash: "h", files: [])
        _ = try store.incarnation(of: "purchases", cluster: "c", isNewTopic: false)
        let plan = try #require(try SourcePlan(definition.sources[0], in: store.catalog))
        intake = try #require(RecordIntake(decoding: plan))
    }

    deinit { store.close() }

    enum Outcome: Equatable {
        /// Event time in microseconds, and the columns in the order of `Purchases.columns`.
        case accepted(Int64, [FeatureValue])
        case rejected(RejectionReason)
        case tombstone
    }

    func take(_ value: [UInt8]?) -> Outcome {
        intake.removeAll()
        add(value)
        return outcome
    }

    func take(_ json: String) -> Outcome { take(Array(json.utf8)) }

    func add(_ value: [UInt8]?, offset: Int64 = 7, number: Int = 0) {
        guard let value else { return intake.add(LogRecord(partition: 1, offset: offset, value: nil), number: number) }
        value.withUnsafeBytes { intake.add(LogRecord(partition: 1, offset: offset, value: $0), number: number) }
    }

    var outcome: Outcome {
        if let rejection = intake.rejections.first {
            #expect(
                intake.acceptedCount == 0 && intake.batches.allSatisfy { $0.count == 0 },
                "a record is one event or none"
            )
            return .rejected(rejection.reason)
        }
        if intake.acceptedCount == 0 { return .tombstone }
        return .accepted(intake.batches[0].times[0], row(0))
    }

    func row(_ row: Int) -> [FeatureValue] {
        let batch = intake.batches[0]
        return Purchases.columns.indices.map { column in
            guard batch.nulls[row] & (1 << UInt64(column)) == 0 else { return .null }
            let slot = batch.column(column)[row]
            switch batch.types[column] {
            case .int64: return .int64(Int64(bitPattern: slot))
            case .float64: return .float64(Double(bitPattern: slot))
            case .bool: return .bool(slot != 0)
            case .timestamp: return .timestamp(Instant(microseconds: Int64(bitPattern: slot)))
            case .string: return .string(String(decoding: batch.string(slot), as: UTF8.self))
            }
        }
    }
}

/// Waits until `body` says true, for at most the given time.
func wait(for what: String, seconds: Int = 20, until body: () throws -> Bool) throws {
    struct TookTooLong: Error { let what: String }
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try body() { return }
        usleep(5000)
    }
    throw TookTooLong(what: what)
}
