import FeatureHistory
import KafkaLog
import Logging
import Testing

@testable import Ingest

/// Brokers that are not there: the status says so soon, keeps saying so, and stops when they are back.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ReachabilityTests {
    private let base = EndToEndTests()

    private func start(_ store: FeatureStore, _ bootstrap: String) -> IngestService {
        let options = IngestOptions(kafka: [("bootstrap.servers", bootstrap)], commitIntervalMilliseconds: 5)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let ingest = IngestService(store: store, options: options, log: log)
        ingest.start()
        return ingest
    }

    @Test func nobodyAtTheAddress() throws {
        let store = try base.open()
        defer { store.close() }
        let ingest = start(store, "127.0.0.1:1")
        defer { ingest.stop() }
        try wait(for: "the state", seconds: 5) { ingest.status.state == .retrying }
        #expect(ingest.status.problem?.contains("127.0.0.1:1") == true)
        #expect(ingest.status.problem?.contains("Connection refused") == true)
    }

    /// A name that is not known is said as fast as a port that is closed.
    @Test func noSuchHost() throws {
        let store = try base.open()
        defer { store.close() }
        let ingest = start(store, "nobody.invalid:9092")
        defer { ingest.stop() }
        try wait(for: "the state") { ingest.status.state == .retrying }
        #expect(ingest.status.problem?.contains("nobody.invalid") == true)
    }

    @Test func fromTheStartAndLater() throws {
        let broker = try EndToEndTests.broker()
        try broker.setBroker(1, isUp: false)
        let store = try base.open()
        defer { store.close() }
        let ingest = start(store, broker.bootstrapServers)
        defer { ingest.stop() }
        for round in 0..<2 {
            try wait(for: "the trouble of round \(round)") { ingest.status.state == .retrying }
            #expect(ingest.status.problem != nil)
            try broker.setBroker(1, isUp: true)
            try wait(for: "the end of round \(round)") { ingest.status.state == .consuming }
            #expect(ingest.status.problem == nil)
            try EndToEndTests.produce(broker, [(0, EndToEndTests.good(round))])
            try wait(for: "the record") { store.counterValues["events/purchases"] == UInt64(round + 1) }
            if round == 0 { try broker.setBroker(1, isUp: false) }
        }
    }
}
