import CRdKafka
import Synchronization

/// What became of one record.
public struct DeliveryReport: Sendable {
    /// The token that the record was given to ``KafkaProducer``.
    public let token: UInt64
    /// nil when the brokers have the record.
    public let error: KafkaError?
    public let partition: Int32
    /// Where the record stands in the log; below 0 when it was not delivered.
    public let offset: Int64

    init(_ message: rd_kafka_message_t) {
        token = UInt64(UInt(bitPattern: message._private))
        error = message.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(message.err)
        partition = message.partition
        offset = error == nil ? message.offset : -1
    }
}

/// Sends records in the background. Never waits for a broker but in ``flush(timeoutMilliseconds:)`` and
/// ``reach(timeoutMilliseconds:)``. For any thread.
///
/// Records of one partition are delivered in order unless a retry overtakes another record; a retry may also deliver
/// one twice. `enable.idempotence=true` in the settings rules both out.
public final class KafkaProducer: Sendable {
    private let handle: Mutex<ClientHandle?>
    private let context: CallbackContext
    /// The settings in force, secrets as `[redacted]`.
    public let settings: [KafkaSetting]

    /// Makes the client; connects in the background. Throws what librdkafka says about a bad setting.
    /// - Parameter log: takes librdkafka's log lines on its threads; nil drops them.
    public init(_ settings: KafkaSettings, log: KafkaLogHandler? = nil) throws(KafkaError) {
        let client = try ClientHandle(settings, .producer, log: log)
        self.settings = client.settings
        context = client.context
        handle = Mutex(client)
    }

    deinit { close() }

    /// Queues a copy of the record. Throws ``KafkaError/Code/queueFull``, which is retriable, when the producer holds
    /// as much as it may: poll, then try again.
    ///
    /// - Parameters:
    ///   - partition: nil lets the key decide.
    ///   - value: nil is a tombstone.
    ///   - timestampMilliseconds: since the Unix epoch; nil takes the time of this call.
    ///   - token: comes back in the ``DeliveryReport``.
    @_disfavoredOverload  // A bare `nil` fits both; it means the arrays.
    public func produce(
        topic: String,
        partition: Int32? = nil,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        headers: [(name: String, value: [UInt8]?)] = [],
        timestampMilliseconds: Int64? = nil,
        token: UInt64 = 0
    ) throws(KafkaError) {
        let client = try client()
        let object = ProduceArguments.with(
            topic: topic,
            partition: partition,
            key: key,
            value: value,
            headers: headers,
            timestamp: timestampMilliseconds,
            token: token
        ) { rd_kafka_produceva(client.pointer, $0.baseAddress, $0.count) }
        try check(object)
    }

    /// Like the other one, with arrays.
    public func produce(
        topic: String,
        partition: Int32? = nil,
        key: [UInt8]?,
        value: [UInt8]?,
        headers: [(name: String, value: [UInt8]?)] = [],
        timestampMilliseconds: Int64? = nil,
        token: UInt64 = 0
    ) throws(KafkaError) {
        let result: Result<Void, KafkaError> = key.withBytes { key in
            value.withBytes { value in
                Result { () throws(KafkaError) in
                    try produce(
                        topic: topic,
                        partition: partition,
                        key: key,
                        value: value,
                        headers: headers,
                        timestampMilliseconds: timestampMilliseconds,
                        token: token
                    )
                }
            }
        }
        try result.get()
    }

    /// Waits up to the timeout for something to happen; returns the reports since the last call, in the order of
    /// delivery. Call it now and then, else reports and room in the queue do not come back.
    public func poll(timeoutMilliseconds: Int) throws(KafkaError) -> [DeliveryReport] {
        rd_kafka_poll(try client().pointer, milliseconds(timeoutMilliseconds))
        return context.takeReports()
    }

    /// Waits until a broker has answered, up to the timeout; the one that answers need not be the one that takes the
    /// records. Why none does is told by ``takeErrors()`` after a poll.
    public func reach(timeoutMilliseconds: Int) throws(KafkaError) {
        var result: UnsafePointer<rd_kafka_metadata>?
        let client = try client()
        try check(rd_kafka_metadata(client.pointer, 0, nil, &result, milliseconds(timeoutMilliseconds)))
        if let result { rd_kafka_metadata_destroy(result) }
    }

    /// Waits until every record is delivered or failed. Throws ``KafkaError/Code/timedOut`` when some are left by then.
    /// The reports come with the next ``poll(timeoutMilliseconds:)``.
    public func flush(timeoutMilliseconds: Int) throws(KafkaError) {
        try check(rd_kafka_flush(try client().pointer, milliseconds(timeoutMilliseconds)))
    }

    /// The records that are not dealt with yet, and the reports and errors that wait for a poll. 0 means
    /// that all is done.
    public var outstanding: Int {
        guard let client = try? client() else { return 0 }
        return Int(rd_kafka_outq_len(client.pointer))
    }

    /// Errors of the client as a whole since the last call; at most 64 are kept.
    public func takeErrors() -> [KafkaError] { context.takeErrors() }

    /// Closes the producer and drops what is not delivered: flush first. Calling it again does nothing.
    public func close() {
        guard let client = handle.withLock({ $0.take() }) else { return }
        // Otherwise the destroy would wait for records that no broker takes.
        rd_kafka_purge(client.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        rd_kafka_flush(client.pointer, 0)
    }

    private func client() throws(KafkaError) -> ClientHandle {
        guard let client = handle.withLock({ $0 }) else { throw .closed("producer") }
        return client
    }
}

extension Optional<[UInt8]> {
    fileprivate func withBytes<R>(_ body: (UnsafeRawBufferPointer?) -> R) -> R {
        guard let self else { return body(nil) }
        return self.withUnsafeBytes { body($0) }
    }
}
