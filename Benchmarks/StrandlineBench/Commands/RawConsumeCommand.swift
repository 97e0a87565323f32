import ArgumentParser
import CRdKafka
import KafkaLog

struct RawConsumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raw-consume",
        abstract: "Read a topic through librdkafka's C batch call, and do nothing with the records.",
        discussion: """
            The bound that ingest is compared with: the server's own librdkafka settings, timed from the assignment to
            the last record, processor time of the whole process in between. The broker is connected before.

              strandline-bench raw-consume --bootstrap 127.0.0.1:40123 --topic events
            """
    )

    @Option(help: "host:port of the broker.")
    var bootstrap: String

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "The most records of one call.")
    var batch = 16_384

    @OptionGroup var kafka: KafkaOptions

    func run() throws {
        let surveyor = try KafkaConsumer(KafkaSettings(bootstrapServers: bootstrap))
        let extent = try TopicExtent(topic, surveyor)
        surveyor.close()
        let consumer = try RawConsumer(bootstrap, kafka.settings)
        defer { consumer.close() }
        printLine(try consumer.consume(topic, extent, batchMax: batch) { _ in }.line)
    }
}

/// librdkafka as it is, with the settings that the server uses.
final class RawConsumer {
    private let client: OpaquePointer
    private let queue: OpaquePointer

    init(_ bootstrap: String, _ more: [KafkaSetting]) throws {
        let configuration = rd_kafka_conf_new()
        var text = [CChar](repeating: 0, count: 512)
        let settings =
            KafkaSettings.defaults(for: .consumer) + KafkaSettings(bootstrapServers: bootstrap).entries + more
            + KafkaSettings.fixed(for: .consumer)
        for setting in settings {
            guard rd_kafka_conf_set(configuration, setting.name, setting.value, &text, text.count) == RD_KAFKA_CONF_OK
            else {
                throw BenchError("librdkafka refuses \(setting.name)")
            }
        }
        guard let client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, &text, text.count) else {
            throw BenchError("librdkafka made no client")
        }
        rd_kafka_poll_set_consumer(client)
        guard let queue = rd_kafka_queue_get_consumer(client) else {
            throw BenchError("the client has no consumer queue")
        }
        self.client = client
        self.queue = queue
    }

    func close() {
        rd_kafka_assign(client, nil)
        rd_kafka_queue_destroy(queue)
        rd_kafka_consumer_close(client)
        rd_kafka_destroy(client)
    }

    /// Reads every record of `extent`; `visit` gets each batch's payloads, which are valid inside it.
    func consume(
        _ topic: String,
        _ extent: TopicExtent,
        batchMax: Int,
        _ visit: (UnsafeBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>) throws -> Void
    ) throws -> EventRate {
        let list = rd_kafka_topic_partition_list_new(Int32(extent.partitions.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (partition, low, _) in extent.partitions {
            rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = low
        }
        let slots = UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>.allocate(capacity: batchMax)
        slots.initialize(repeating: nil)
        defer { slots.deallocate() }
        let total = extent.records
        var records = 0
        var idle = 0
        var (low, high): (Int64, Int64) = (0, 0)
        // The server knows its broker by the time it assigns; so does this client after an answer.
        rd_kafka_query_watermark_offsets(client, topic, 0, &low, &high, 10_000)
        let processor = Measure.processorMicroseconds()
        let began = Measure.nanoseconds()
        rd_kafka_assign(client, list)
        while records < total {
            // Waits for a full array, or for the last record: no call waits in vain.
            let wanted = min(batchMax, total - records)
            let count = rd_kafka_consume_batch_queue(queue, 100, slots.baseAddress, wanted)
            guard count > 0 else {
                idle += 1
                guard idle < 100 else { throw BenchError("no records for 10 s; \(records) of \(total) were read") }
                continue
            }
            idle = 0
            try visit(UnsafeBufferPointer(rebasing: slots[..<count]))
            for index in 0..<count {
                guard let message = slots[index] else { continue }
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR { records += 1 }
                rd_kafka_message_destroy(message)
            }
        }
        let seconds = Double(Measure.nanoseconds() - began) / 1e9
        return EventRate(
            records: records,
            seconds: seconds,
            processorMicroseconds: Measure.processorMicroseconds() - processor
        )
    }
}

/// librdkafka settings beyond the server's defaults; the same for the raw reader and for ingest.
struct KafkaOptions: ParsableArguments {
    @Option(
        name: .customLong("kafka"),
        help: ArgumentHelp("A librdkafka setting; may be repeated.", valueName: "name=value")
    )
    var pairs: [String] = []

    func validate() throws {
        for pair in pairs where !pair.contains("=") { throw ValidationError("--kafka \(pair) is not name=value") }
    }

    var settings: [KafkaSetting] {
        pairs.compactMap { pair in
            pair.firstIndex(of: "=").map { KafkaSetting(String(pair[..<$0]), String(pair[pair.index(after: $0)...])) }
        }
    }
}
