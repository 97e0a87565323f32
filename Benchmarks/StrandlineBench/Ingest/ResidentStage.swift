// Ingest without its commits: the server's own consumer, intake and resident entities, joined as the server's loop joins
// them, but for the bookkeeping of offsets and everything that goes to RocksDB (journal rows, offsets, folds).

@testable import FeatureHistory
import FeatureModel
@testable import Ingest
import Glibc
import KafkaLog
import Windowing

struct ResidentStage {
    private let arguments: StoreArguments

    init(_ arguments: StoreArguments) { self.arguments = arguments }

    /// - Parameter fillsEntities: whether rows go on to the resident entities, or are dropped.
    func run(_ extent: TopicExtent, fillsEntities: Bool) throws -> EventRate {
        // A store for its catalog and its resident entities; nothing is committed to it.
        let store = try arguments.openFresh()
        defer { store.close() }
        guard let source = store.catalog.definition.sources.first,
            let plan = try SourcePlan(source, in: store.catalog), let intake = RecordIntake(decoding: plan)
        else { throw BenchError("no plan for the source") }
        let options = arguments.ingestOptions
        let consumer = try KafkaConsumer(KafkaSettings(options.kafka))
        defer { consumer.close() }
        _ = try consumer.metadata(timeoutMilliseconds: 10_000)
        let places = extent.places(arguments.topic)
        var records = 0
        let processor = Measure.processorMicroseconds()
        let start = Measure.nanoseconds()
        try consumer.assign(places)
        while records < extent.records {
            let began = Measure.nanoseconds()
            let batch = try consumer.consumeBatch(maxCount: options.recordsMax, timeoutMilliseconds: 100)
            intake.removeAll()
            for number in 0..<batch.count {
                let message = batch[number]
                guard message.errorCode == 0 else { throw BenchError(batch.errorText(at: number) ?? "no reason") }
                let record = LogRecord(partition: message.partition, offset: message.offset, value: message.value)
                intake.add(record, number: number)
            }
            apply(intake, plan, to: fillsEntities ? store : nil)
            guard intake.rejections.isEmpty else { throw BenchError("a record was rejected") }
            records += batch.count
            // The server's rule: a batch that is not full waits for the commit interval.
            let rest = Int64(options.commitIntervalMilliseconds) - Int64(Measure.nanoseconds() - began) / 1_000_000
            if batch.count < options.recordsMax, rest > 0 { usleep(UInt32(rest) * 1000) }
        }
        return EventRate(
            records: records,
            seconds: Double(Measure.nanoseconds() - start) / 1e9,
            processorMicroseconds: Measure.processorMicroseconds() - processor
        )
    }

    private func apply(_ intake: RecordIntake, _ plan: SourcePlan, to store: FeatureStore?) {
        let arrival = Measure.wallMicroseconds()
        intake.computeExpressions()
        intake.decide(arrival: Instant(microseconds: arrival), horizon: .distantPast)
        for (target, events) in zip(plan.targets, intake.batches) {
            events.arrivals.update(repeating: arrival, count: events.count)
            store?.resident.append(events, history: target.history.id, isNewComplete: true)
        }
    }
}
