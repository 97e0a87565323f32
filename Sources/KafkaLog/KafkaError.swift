import CRdKafka

/// What librdkafka or a broker refused or failed to do.
public struct KafkaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A number of librdkafka's: below 0 its own, above 0 a broker's, 0 no error. New ones come with new versions.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: Int32

        public init(rawValue: Int32) { self.rawValue = rawValue }
    }

    public let code: Code
    public let message: String

    /// Whether the client that said this is of no use any more and must be made anew.
    public let isFatal: Bool

    /// Whether the same call may succeed later.
    public let isRetriable: Bool

    public init(code: Code, message: String, isFatal: Bool? = nil, isRetriable: Bool? = nil) {
        self.code = code
        self.message = message
        self.isFatal = isFatal ?? (code == .fatal)
        self.isRetriable = isRetriable ?? code.isRetriable
    }

    /// librdkafka's short name of the code, such as `_QUEUE_FULL` or `UNKNOWN_TOPIC_OR_PART`.
    public var name: String { code.name }

    public var description: String { "Kafka \(name): \(message)" }

    static func closed(_ what: String) -> KafkaError { KafkaError(code: .closed, message: "the \(what) is closed") }
}

extension KafkaError.Code {
    init(_ code: rd_kafka_resp_err_t) { self.init(rawValue: code.rawValue) }

    var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(rawValue: rawValue))) }

    /// The stored offset is no longer, or not yet, in the log. The partition stands still: nothing is skipped.
    public static let offsetReset = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    /// A broker's own word for the same, in answers to single requests.
    public static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    /// The reader has reached the end of a partition; only with the setting `enable.partition.eof=true`.
    public static let partitionEnd = Self(RD_KAFKA_RESP_ERR__PARTITION_EOF)
    public static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    public static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    /// A host name is not known.
    public static let resolve = Self(RD_KAFKA_RESP_ERR__RESOLVE)
    public static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    /// A record was not delivered within `message.timeout.ms`.
    public static let messageTimedOut = Self(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
    /// The producer holds as much as it may; poll it and try again.
    public static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    public static let unknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    public static let unknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    public static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    public static let authentication = Self(RD_KAFKA_RESP_ERR__AUTHENTICATION)
    /// Something unknown or senseless was asked for: a setting, an argument.
    public static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
    /// A record's checksum did not fit.
    public static let badMessage = Self(RD_KAFKA_RESP_ERR__BAD_MSG)
    public static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    /// The consumer, producer or broker was closed by us.
    public static let closed = Self(RD_KAFKA_RESP_ERR__DESTROY)

    /// librdkafka states this only for errors that come as objects; for plain codes the list is ours.
    var isRetriable: Bool {
        switch rd_kafka_resp_err_t(rawValue: rawValue) {
        case RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__WAIT_CACHE,
            RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
            true
        default: false
        }
    }
}
