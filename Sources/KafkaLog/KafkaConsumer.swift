import CRdKafka
import Synchronization

/// Reads partitions that it is told to read, from offsets that it is told. Keeps no position of its own on brokers and
/// joins no group.
///
/// All methods may be called from any thread, but ``assign(_:)`` and ``consumeBatch(maxCount:timeoutMilliseconds:)``
/// not at the same time: this version of librdkafka may lose records then. For the same reason there is no pause: stop
/// reading instead, the queue's bound holds the brokers back. Methods that wait must not run on Swift's shared pool.
public final class KafkaConsumer: Sendable {
    private struct State {
        var handle: ConsumerHandle?
        /// The addresses of the assignment's topics, in the order of first mention.
        var topics: [TopicAddress] = []
    }

    private let state: Mutex<State>
    private let context: CallbackContext
    /// The settings in force, secrets as `[redacted]`.
    public let settings: [KafkaSetting]

    /// Makes the client; connects in the background. Throws what librdkafka says about a bad setting.
    /// - Parameter log: takes librdkafka's log lines on its threads; nil drops them.
    public init(_ settings: KafkaSettings, log: KafkaLogHandler? = nil) throws(KafkaError) {
        let client = try ClientHandle(settings, .consumer, log: log)
        self.settings = client.settings
        context = client.context
        state = try Mutex(State(handle: ConsumerHandle(client)))
    }

    /// Reads exactly these partitions from now on, each from its offset. Drops what was fetched for an earlier
    /// assignment. An offset that the log does not have comes up as a message with the code
    /// ``KafkaError/Code/offsetReset``, and its partition stands still.
    public func assign(_ places: [TopicPartitionOffset]) throws(KafkaError) {
        let handle = try handle()
        var topics: [TopicAddress] = []
        for place in places {
            let topic = try handle.topic(named: place.topic)
            if !topics.contains(topic) { topics.append(topic) }
        }
        let list = PartitionList(places)
        state.withLock { $0.topics = topics }
        try check(rd_kafka_assign(handle.client.pointer, list.pointer))
    }

    /// Up to `maxCount` records, waiting up to the timeout for the first one and no longer for more. An empty batch
    /// means that the time is over. Errors of single partitions come as messages; ``takeErrors()`` has the others.
    public func consumeBatch(maxCount: Int, timeoutMilliseconds: Int) throws(KafkaError) -> MessageBatch {
        precondition(maxCount > 0, "a batch needs room for one message")
        let (current, topics) = state.withLock { ($0.handle, $0.topics) }
        guard let handle = current else { throw .closed("consumer") }
        let slots = handle.takeSlots(maxCount)
        // librdkafka waits for the whole timeout unless the array gets full. So: take what is there; if that is
        // nothing, wait for one record, and take what came with it.
        var count = Self.read(handle, into: slots, from: 0, to: maxCount, timeout: 0)
        if count == 0, timeoutMilliseconds > 0 {
            count = Self.read(handle, into: slots, from: 0, to: 1, timeout: timeoutMilliseconds)
            if count == 1 { count += Self.read(handle, into: slots, from: 1, to: maxCount, timeout: 0) }
        }
        return MessageBatch(slots, count: count, topics: topics, consumer: handle)
    }

    private static func read(
        _ handle: ConsumerHandle,
        into slots: MessageSlots,
        from start: Int,
        to end: Int,
        timeout: Int
    ) -> Int {
        guard start < end, let base = slots.pointers.baseAddress else { return 0 }
        let count = rd_kafka_consume_batch_queue(
            handle.queue,
            milliseconds(timeout),
            base.advanced(by: start),
            end - start
        )
        return max(count, 0)
    }

    /// Errors of the client as a whole since the last call: brokers lost, authentication failed. They are collected
    /// while ``consumeBatch(maxCount:timeoutMilliseconds:)`` runs; at most 64 are kept.
    public func takeErrors() -> [KafkaError] { context.takeErrors() }

    /// Commits offsets to the group, only for tools that show lag: we never read them. Neither waits nor reports.
    public func commitForLagTools(_ places: [TopicPartitionOffset]) {
        guard let handle = try? handle() else { return }
        let list = PartitionList(places)
        rd_kafka_commit(handle.client.pointer, list.pointer, 1)
    }

    /// Closes the consumer; later calls throw ``KafkaError/Code/closed``. Calling it again does nothing. The
    /// connections end here, or with the last batch when one is still held; that may take a moment.
    public func close() {
        let handle = state.withLock { $0.handle.take() }
        _ = consume handle
    }

    func handle() throws(KafkaError) -> ConsumerHandle {
        guard let handle = state.withLock({ $0.handle }) else { throw .closed("consumer") }
        return handle
    }
}
