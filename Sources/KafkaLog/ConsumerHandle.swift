import CRdKafka
import Synchronization

/// A consuming client with its queue and the topics of its assignment. Message batches hold it, so it goes when both
/// the consumer and its last batch are gone.
///
/// `@unchecked Sendable`: the pointers are constants or behind a mutex, and librdkafka's functions on them are safe for
/// all threads.
final class ConsumerHandle: @unchecked Sendable {
    let client: ClientHandle
    let queue: OpaquePointer
    /// One per topic name ever assigned. Held, so that a topic's address stays its own for our life.
    private let topics = Mutex<[String: TopicAddress]>([:])
    /// Pointer arrays that batches gave back.
    private let spareSlots = Mutex<[MessageSlots]>([])

    init(_ client: ClientHandle) throws(KafkaError) {
        self.client = client
        // One queue for records, errors and callbacks; without this the consumer would be served by two polls.
        try check(rd_kafka_poll_set_consumer(client.pointer))
        guard let queue = rd_kafka_queue_get_consumer(client.pointer) else {
            throw KafkaError(code: .invalidArgument, message: "the client has no consumer queue")
        }
        self.queue = queue
    }

    deinit {
        // What refers to the client goes before it; destroying it with a queue or a topic held waits for ever.
        rd_kafka_assign(client.pointer, nil)
        for topic in topics.withLock({ Array($0.values) }) { rd_kafka_topic_destroy(topic.pointer) }
        for slots in spareSlots.withLock({ $0 }) { slots.deallocate() }
        rd_kafka_queue_destroy(queue)
        rd_kafka_consumer_close(client.pointer)
    }

    /// The address by which records of `name` refer to their topic.
    func topic(named name: String) throws(KafkaError) -> TopicAddress {
        if let topic = topics.withLock({ $0[name] }) { return topic }
        guard let pointer = rd_kafka_topic_new(client.pointer, name, nil) else {
            throw KafkaError(rd_kafka_last_error())
        }
        let topic = TopicAddress(pointer: pointer)
        // Two threads may have come here; the second reference is given back.
        let isNew = topics.withLock { $0.updateValue(topic, forKey: name) == nil }
        if !isNew { rd_kafka_topic_destroy(topic.pointer) }
        return topic
    }

    /// An array of at least `count` message pointers.
    func takeSlots(_ count: Int) -> MessageSlots {
        let spare = spareSlots.withLock { list in list.firstIndex { $0.count >= count }.map { list.remove(at: $0) } }
        return spare ?? MessageSlots(count: count)
    }

    func giveBack(_ slots: MessageSlots) {
        let isKept = spareSlots.withLock { list in
            guard list.count < 4 else { return false }
            list.append(slots)
            return true
        }
        if !isKept { slots.deallocate() }
    }
}
