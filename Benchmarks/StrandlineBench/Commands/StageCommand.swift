import ArgumentParser
import CRdKafka
import CSimdJSON

struct StageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage",
        abstract: "Read a topic and do a part of what ingest does: where its time goes.",
        discussion: """
            consume   librdkafka's C batch call, as raw-consume
            decode    and simdjson over each record
            columns   the server's consumer and intake instead: decoded records as rows of a batch
            windows   and the rows into the resident entities, where windows are read; nothing is written

              strandline-bench stage windows --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh
            """
    )

    enum Stage: String, ExpressibleByArgument, CaseIterable {
        case consume, decode, columns, windows
    }

    @Argument(help: "consume, decode, columns or windows.")
    var stage: Stage

    @OptionGroup var arguments: StoreArguments

    func run() throws {
        let extent = try arguments.extent()
        let rate =
            switch stage {
            case .consume: try consume(extent) { _ in }
            case .decode: try decode(extent)
            case .columns: try ResidentStage(arguments).run(extent, fillsEntities: false)
            case .windows: try ResidentStage(arguments).run(extent, fillsEntities: true)
            }
        printLine(rate.line, title: "stage=\(stage.rawValue)")
    }

    private typealias Messages = UnsafeBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    private func consume(_ extent: TopicExtent, _ visit: (Messages) throws -> Void) throws -> EventRate {
        let consumer = try RawConsumer(arguments.bootstrap, arguments.kafka.settings)
        defer { consumer.close() }
        return try consumer.consume(arguments.topic, extent, batchMax: 16_384, visit)
    }

    private func decode(_ extent: TopicExtent) throws -> EventRate {
        let decoder = try makeDecoder()
        defer { strandline_json_decoder_destroy(decoder) }
        var slots: [UInt64] = [0, 0, 0]
        var nulls: [UInt64] = [0, 0]
        var badField = 0
        var detail: UnsafePointer<CChar>?
        return try consume(extent) { messages in
            for message in messages {
                guard let message = message?.pointee, message.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                let bytes = message.payload?.assumingMemoryBound(to: UInt8.self)
                let status = strandline_json_decode(decoder, bytes, message.len, &slots, &nulls, &badField, &detail)
                guard status == STRANDLINE_JSON_OK else { throw BenchError("a record that does not decode") }
            }
        }
    }

    /// The three fields that the benchmark's definition reads.
    private func makeDecoder() throws -> OpaquePointer {
        func field(_ name: StaticString, _ kind: strandline_json_kind) -> strandline_json_field {
            let start = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            return strandline_json_field(name: start, name_length: name.utf8CodeUnitCount, kind: kind, parent: -1)
        }
        let fields = [
            field("ts", STRANDLINE_JSON_EPOCH_US), field("user_id", STRANDLINE_JSON_INT64),
            field("amount", STRANDLINE_JSON_FLOAT64),
        ]
        guard let decoder = strandline_json_decoder_create(fields, fields.count) else {
            throw BenchError("no JSON decoder")
        }
        return decoder
    }
}
