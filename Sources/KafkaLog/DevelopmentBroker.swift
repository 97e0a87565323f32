import CRdKafka
import Synchronization

/// A Kafka cluster inside this process, for development and tests: librdkafka's mock cluster. Other processes on this
/// machine can connect to it. For any thread.
///
/// What it is not: it keeps 5 MiB (and 100 000 batches) per partition and nothing on disk; it lives on the loopback
/// address at a port that cannot be chosen; it has no admin requests, no lookup by time, no TLS, no transactions that
/// can be seen. Batches above 2.4 MB may vanish in it. A topic appears when a client asks for it by name, with 4
/// partitions.
///
/// Its cluster id may repeat from run to run. So that a reader can tell a fresh broker, whose offsets begin anew, from
/// the one it knew, each makes a topic named ``markerPrefix`` plus 16 random hex digits.
public final class DevelopmentBroker: Sendable {
    /// Closed in this order: the cluster, then the client that it hangs on.
    ///
    /// `@unchecked Sendable`: a constant pointer; the mock's functions lock the cluster.
    private final class Cluster: @unchecked Sendable {
        let client: ClientHandle
        let pointer: OpaquePointer

        init(brokers: Int) throws(KafkaError) {
            // Without a log handler the client's complaints about having no brokers go nowhere.
            client = try ClientHandle(KafkaSettings(), .producer, log: nil)
            guard let pointer = rd_kafka_mock_cluster_new(client.pointer, Int32(clamping: brokers)) else {
                throw KafkaError(code: .invalidArgument, message: "no mock cluster of \(brokers) brokers")
            }
            self.pointer = pointer
        }

        deinit { rd_kafka_mock_cluster_destroy(pointer) }
    }

    public static let markerPrefix = "__strandline-dev-broker-"

    private let cluster: Mutex<Cluster?>
    /// `host:port` of the brokers, comma-separated, for the setting `bootstrap.servers`.
    public let bootstrapServers: String
    /// The name of this broker's marker topic.
    public let marker: String

    /// Starts the cluster.
    /// - Parameter brokers: at least 1.
    public init(brokers: Int = 1) throws(KafkaError) {
        let cluster = try Cluster(brokers: brokers)
        bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster.pointer))
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        marker = Self.markerPrefix + String(repeating: "0", count: 16 - digits.utf8.count) + digits
        self.cluster = Mutex(cluster)
        try createTopic(marker, partitions: 1)
    }

    /// Makes a topic, held by one broker. Throws when there is one of that name.
    public func createTopic(_ name: String, partitions: Int) throws(KafkaError) {
        try check(rd_kafka_mock_topic_create(try pointer(), name, Int32(clamping: partitions), 1))
    }

    /// Takes a broker off the network or back on. Brokers count from 1.
    public func setBroker(_ number: Int, isUp: Bool) throws(KafkaError) {
        let number = Int32(clamping: number)
        let cluster = try pointer()
        try check(
            isUp ? rd_kafka_mock_broker_set_up(cluster, number) : rd_kafka_mock_broker_set_down(cluster, number)
        )
    }

    /// Delays every answer of a broker. Brokers count from 1.
    public func setRoundTrip(ofBroker number: Int, milliseconds time: Int) throws(KafkaError) {
        try check(rd_kafka_mock_broker_set_rtt(try pointer(), Int32(clamping: number), milliseconds(time)))
    }

    /// Stops the cluster; its records are gone. Calling it again does nothing.
    public func close() {
        let last = cluster.withLock { $0.take() }
        _ = consume last
    }

    /// The marker among the topics of a cluster; nil when it is not a development broker. Two clusters with different
    /// markers share no records, whatever their cluster ids say.
    public static func incarnationMarker(in topics: [String]) -> String? {
        topics.first { name in
            name.hasPrefix(markerPrefix) && name.utf8.count == markerPrefix.utf8.count + 16
                && name.utf8.suffix(16).allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || 97...102 ~= $0 }
        }
    }

    private func pointer() throws(KafkaError) -> OpaquePointer {
        guard let cluster = cluster.withLock({ $0 }) else { throw .closed("broker") }
        return cluster.pointer
    }
}
