import ArgumentParser
import Glibc
import KafkaLog

struct DevBrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev-broker",
        abstract: "Run a development broker (librdkafka's mock cluster) until stopped.",
        discussion: """
            Examples:
              strandline dev-broker --topic purchases:4
              kcat -b "$(address it printed)" -t purchases -P

            For development and tests: it keeps 5 MiB a partition, in memory, on
            loopback, at a port of its own choice.
            """
    )

    @Option(
        name: .customLong("topic"),
        help: "A topic to make, name:partitions; repeatable. Others appear when asked for, with 4."
    )
    var topics: [String] = []

    mutating func run() throws {
        let wanted = try wantedTopics()
        // The broker's threads do the work; this one waits for a signal to end it. Blocked before they start, and
        // before anybody can know that the broker is up.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let broker: DevelopmentBroker
        do throws(KafkaError) {
            broker = try DevelopmentBroker()
            for topic in wanted { try broker.createTopic(topic.name, partitions: topic.partitions) }
        } catch { throw Failure(.failed, error.description) }
        print("kafka bootstrap=\(broker.bootstrapServers)")
        fflush(nil)
        var received: Int32 = 0
        sigwait(&signals, &received)
        broker.close()
    }

    private func wantedTopics() throws -> [(name: String, partitions: Int)] {
        var wanted: [(name: String, partitions: Int)] = []
        for topic in topics {
            let parts = topic.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let partitions = Int(parts[1]), (1...10_000).contains(partitions)
            else { throw Failure(.usage, "--topic '\(topic)': write name:partitions, for example purchases:4") }
            guard !wanted.contains(where: { $0.name == parts[0] }) else {
                throw Failure(.usage, "--topic '\(topic)': topic '\(parts[0])' is named twice")
            }
            wanted.append((String(parts[0]), partitions))
        }
        return wanted
    }
}
