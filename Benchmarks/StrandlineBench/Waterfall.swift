// Where the time goes: the same topic read with more and more done to it. What the full ingest takes beyond `decode` is
// columns, journal, write batch and resident entities.

import CRdKafka
import CSimdJSON
import KafkaLog

struct Waterfall {
    let bootstrap: String
    let kafka: [KafkaSetting]
    let topic: String
    let extent: TopicExtent

    func run() throws {
        try stage("consume") { _ in }
        let decoder = try makeDecoder()
        defer { strandline_json_decoder_destroy(decoder) }
        var slots: [UInt64] = [0, 0, 0]
        var nulls: [UInt64] = [0, 0]
        var badField = 0
        var detail: UnsafePointer<CChar>?
        try stage("decode") { messages in
            for message in messages {
                guard let message = message?.pointee, message.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                let bytes = message.payload?.assumingMemoryBound(to: UInt8.self)
                let status = strandline_json_decode(decoder, bytes, message.len, &slots, &nulls, &badField, &detail)
                guard status == STRANDLINE_JSON_OK else { throw BenchError("a record that does not decode") }
            }
        }
    }

    private func stage(
        _ name: String,
        _ visit: (UnsafeBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>) throws -> Void
    ) throws {
        let consumer = try RawConsumer(bootstrap, kafka)
        defer { consumer.close() }
        let rate = try consumer.consume(topic, extent, batchMax: 16_384, visit)
        printLine(rate.line, title: "stage=\(name)")
    }

    /// The three fields that the benchmark's definition reads.
    private func makeDecoder() throws -> OpaquePointer {
        func field(_ name: StaticString, _ kind: strandline_json_kind) -> strandline_json_field {
            let start = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            return strandline_json_field(name: start, name_length: name.utf8CodeUnitCount, kind: kind)
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
