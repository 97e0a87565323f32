import CRdKafka

/// A `rd_kafka_t` with what its callbacks need. Destroyed when the last user lets go, which may block for the time that
/// librdkafka needs to end its threads.
///
/// `@unchecked Sendable`: the pointer is a constant, and librdkafka documents its client as safe for all threads.
final class ClientHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Held until after the destroy in `deinit`, since the callbacks reach it unretained.
    let context: CallbackContext

    init(_ settings: KafkaSettings, _ role: KafkaSettings.Role, log: KafkaLogHandler?) throws(KafkaError) {
        let context = CallbackContext(log: log)
        let configuration = try CConfiguration(settings, role)
        context.install(in: configuration, role)
        let type = role == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        // librdkafka takes the configuration over when it succeeds, and leaves it to us when it does not.
        let (client, text) = withErrorText { rd_kafka_new(type, configuration.pointer, $0, $1) }
        guard let client else {
            throw KafkaError(code: KafkaError.Code(rd_kafka_last_error()), message: text)
        }
        _ = configuration.take()
        pointer = client
        self.context = context
    }

    deinit { rd_kafka_destroy(pointer) }

    /// The settings in force, secrets as `[redacted]`.
    var settings: [KafkaSetting] {
        guard let configuration = rd_kafka_conf(pointer) else { return [] }
        return CConfiguration.all(in: configuration)
    }
}

/// A timeout as librdkafka takes it. Never negative: that would mean "for ever".
func milliseconds(_ timeout: Int) -> Int32 { Int32(clamping: max(timeout, 0)) }
