import CRdKafka

/// The address by which a client's records name their topic. Compared, and never read, outside of librdkafka.
///
/// `@unchecked Sendable`: a constant; librdkafka's functions on topics are safe for all threads.
struct TopicAddress: Hashable, @unchecked Sendable {
    let pointer: OpaquePointer
}

/// An array that librdkafka fills with pointers to messages.
///
/// `@unchecked Sendable`: a plain memory area with one owner at a time, the consumer's list of spares or one batch.
struct MessageSlots: @unchecked Sendable {
    let pointers: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>

    init(count: Int) {
        pointers = .allocate(capacity: count)
        pointers.initialize(repeating: nil)
    }

    var count: Int { pointers.count }

    func deallocate() { pointers.deallocate() }
}
