import FeatureHistory
import FeatureModel
import FeatureTesting
import KafkaLog
import Logging
import Testing
import Windowing

@testable import Ingest

/// Ingest against the development broker: from records in a topic to features, dead letters and offsets.
@Suite(.serialized) struct EndToEndTests {
    let folder = TemporaryFolder()

    static func good(_ number: Int) -> String {
        #"{"t":\#(1_600_000_000_000 + number),"user":"u\#(number % 7)","amount":\#(number).25}"#
    }

    /// Records of which no one is an event, each by its reason.
    static func bad(_ number: Int) -> (String, RejectionReason) {
        switch number % 8 {
        case 0: ("not JSON \(number)", .badJSON)
        case 1: (#"{"t":1,"user":"u","amount":"x\#(number)"}"#, .wrongType)
        case 2: (#"{"t":1,"amount":1}"#, .missingKey)
        case 3: (#"{"user":"u"}"#, .missingTimestamp)
        case 4: (#"{"t":99999999999999999,"user":"u"}"#, .badTimestamp)
        case 5: (#"{"t":1,"user":"u","amount":NaN}"#, .nonFinite)
        case 6: (#"{"t":253402300799999,"user":"u"}"#, .tooFarInFuture)
        default: (#"{"t":1,"user":"\#(String(repeating: "k", count: 1100))"}"#, .keyTooLong)
        }
    }

    func open(_ definition: FeatureStoreDefinition = Purchases.definition(format: .epochMilliseconds)) throws
        -> FeatureStore
    {
        let store = try FeatureStore(directory: folder.path, options: StoreOptions()) {
            Instant(microseconds: 1_700_000_000_000_000)
        }
        if store.catalog.histories.isEmpty {
            try store.apply(definition, definitionHash: "h", files: [])
        } else {
            store.activate(definition, definitionHash: "h")
        }
        return store
    }

    func service(_ store: FeatureStore, _ broker: DevelopmentBroker, _ more: (name: String, value: String)...)
        -> IngestService
    {
        IngestService(
            store: store,
            options: IngestOptions(
                kafka: [("bootstrap.servers", broker.bootstrapServers)] + more,
                commitIntervalMilliseconds: 5,
                recordsMax: 500
            ),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    static func broker(partitions: Int = 1) throws -> DevelopmentBroker {
        let broker = try DevelopmentBroker()
        try broker.createTopic("purchases", partitions: partitions)
        try broker.createTopic("purchases.dlq", partitions: 1)
        return broker
    }

    static func produce(_ broker: DevelopmentBroker, _ records: [(partition: Int32, value: String)]) throws {
        let producer = try KafkaProducer(
            KafkaSettings([
                KafkaSetting("bootstrap.servers", broker.bootstrapServers),
                KafkaSetting("message.max.bytes", "2000000"),
            ])
        )
        for (index, record) in records.enumerated() {
            try producer.produce(
                topic: "purchases",
                partition: record.partition,
                key: Array("key \(index)".utf8),
                value: Array(record.value.utf8),
                headers: [("own", Array("\(index)".utf8))],
                timestampMilliseconds: 1_650_000_000_000 + Int64(index)
            )
        }
        try producer.flush(timeoutMilliseconds: 20_000)
        #expect(try producer.poll(timeoutMilliseconds: 0).allSatisfy { $0.error == nil })
    }

    static func offsets(_ store: FeatureStore, incarnation: UInt16 = 1, partitions: Int32) throws -> [Int64?] {
        try (0..<partitions).map { try store.offset(of: StreamID(source: 1, incarnation: incarnation, partition: $0)) }
    }

    /// Counts and sums per user, as of the end of time.
    static func totals(_ store: FeatureStore) throws -> [String] {
        let plan = try LookupPlan(
            [FeatureReference(view: "v", feature: "count"), FeatureReference(view: "v", feature: "sum")],
            in: store.catalog
        )
        let scratch = ReadScratch()
        return try (0..<7).map { user in
            let key = try #require(EntityKey.encode([.string("u\(user)")]))
            try key.withUnsafeBytes {
                try store.read(plan, key: $0, at: ReadPoint(asOf: .distantFuture, knownAt: .distantFuture), scratch)
            }
            return
                "\(scratch.cells.value(0, type: .int64)) \(scratch.cells.value(1, type: .float64)) \(scratch.cells.status(0)?.name ?? "")"
        }
    }

    static func expectedTotals(_ numbers: some Sequence<Int>) -> [String] {
        (0..<7).map { user in
            let own = numbers.filter { $0 % 7 == user }
            let sum = own.reduce(0) { $0 + Double($1) + 0.25 }
            return
                "\(FeatureValue.int64(Int64(own.count))) \(own.isEmpty ? FeatureValue.null : .float64(sum)) \(own.isEmpty ? "NOT_FOUND" : "PRESENT")"
        }
    }

    /// 1,000 bad records among 2,000 good ones on two partitions.
    static func mixed() -> [(partition: Int32, value: String, number: Int?)] {
        (0..<3000).map { index in
            let number = index - (index + 2) / 3
            return index % 3 == 0
                ? (Int32(index / 3 % 2), bad(index / 3).0, nil) : (Int32(index % 2), good(number), number)
        }
    }

    @Test(.timeLimit(.minutes(1))) func badRecordsBecomeDeadLettersAtTheirPlaces() throws {
        let broker = try Self.broker(partitions: 2)
        let records = Self.mixed()
        try Self.produce(broker, records.map { ($0.partition, $0.value) })
        let store = try open()
        defer { store.close() }
        let ingest = service(store, broker)
        ingest.start()
        defer { ingest.stop() }
        try wait(for: "all records") { ingest.status.records == 3000 }
        #expect(ingest.status.events == 2000 && ingest.status.deadLetters == 1000)
        #expect(ingest.status.state == .consuming)

        // Every bad record, exactly where it stood, with its reason, its bytes, key and headers.
        var next: [Int32: Int64] = [:]
        var expected: [String] = []
        for (index, record) in records.enumerated() {
            let offset = next[record.partition, default: 0]
            next[record.partition] = offset + 1
            if record.number == nil {
                expected.append(
                    "\(record.partition) \(offset) \(Self.bad(index / 3).1.rawValue) \(record.value) key \(index) own=\(index) \(1_650_000_000_000 + index)"
                )
            }
        }
        func text(_ bytes: [UInt8]?) -> String { bytes.map { String(decoding: $0, as: UTF8.self) } ?? "nil" }
        let letters = try store.deadLetters(after: 0, limit: .max).map(\.letter)
        let found = letters.map { letter in
            "\(letter.partition) \(letter.offset) \(letter.reason) \(text(letter.value)) \(text(letter.key)) \(letter.headers.map { "\($0.name)=\(text($0.value))" }.joined()) \(letter.timestampMilliseconds)"
        }
        #expect(found.sorted() == expected.sorted())
        #expect(try Self.totals(store) == Self.expectedTotals(0..<2000))
        #expect(try Self.offsets(store, partitions: 2) == [next[0], next[1]])
        #expect(store.counterValues["events/purchases"] == 2000)
        #expect(store.counterValues["dead_letters/purchases/non_finite"] == 125)

        // Forwarded with the original bytes, the record's own headers first, then Connect's.
        try wait(for: "forwarding") { store.deadLetterSummary.waiting == 0 }
        let consumer = try KafkaConsumer(KafkaSettings(bootstrapServers: broker.bootstrapServers))
        try consumer.assign([TopicPartitionOffset(topic: "purchases.dlq", partition: 0, offset: 0)])
        var forwarded: [String] = []
        try wait(for: "the dead-letter topic") {
            var batch = try consumer.consumeBatch(maxCount: 500, timeoutMilliseconds: 100)
            for index in 0..<batch.count {
                let message = batch[index]
                let headers = batch.headers(at: index).map { ($0.name, text($0.value)) }
                func header(_ name: String) -> String {
                    headers.first { $0.0 == "__connect.errors.\(name)" }?.1 ?? "missing"
                }
                #expect(
                    header("topic") == "purchases" && header("connector.name") == "purchases"
                        && !header("exception.message").isEmpty
                )
                #expect(
                    header("stage")
                        == (header("exception.class.name") == "too_far_in_future" ? "TASK_PUT" : "VALUE_CONVERTER")
                )
                forwarded.append(
                    "\(header("partition")) \(header("offset")) \(header("exception.class.name")) \(text(message.value.map { Array($0) })) \(text(message.key.map { Array($0) })) \(headers[0].0)=\(headers[0].1) \(message.timestampMilliseconds)"
                )
            }
            return forwarded.count >= 1000
        }
        #expect(forwarded == found, "once each, in the outbox's order")
    }

    @Test(.timeLimit(.minutes(1))) func anUnreachableDeadLetterTopicHoldsNothingUp() throws {
        let broker = try Self.broker()
        try Self.produce(broker, Self.mixed().map { (0, $0.value) })
        let store = try open()
        defer { store.close() }
        // A producer with transactions that nobody began can send nothing; the consumer does not mind.
        let ingest = service(store, broker, (name: "transactional.id", value: "x"))
        ingest.start()
        try wait(for: "all records") { ingest.status.records == 3000 }
        #expect(ingest.status.state == .consuming)
        #expect(store.deadLetterSummary.waiting == 1000)
        #expect(try Self.totals(store) == Self.expectedTotals(0..<2000))
        ingest.stop()
        // Nothing is lost meanwhile: with a working producer they all go.
        let again = service(store, broker)
        again.start()
        defer { again.stop() }
        try wait(for: "forwarding") { store.deadLetterSummary.waiting == 0 }
        #expect(store.deadLetterSummary.dropped == 0)
    }

    /// A letter that no broker takes, and letters that do not fit the producer's queue together: the others go on.
    @Test(.timeLimit(.minutes(1))) func oversizedLettersHoldNothingUp() throws {
        let broker = try Self.broker()
        let large = String(repeating: "x", count: 1_200_000)
        try Self.produce(broker, [(0, "bad 1"), (0, large), (0, "bad 2")])
        let store = try open()
        defer { store.close() }
        let ingest = service(
            store,
            broker,
            (name: "message.max.bytes", value: "1000000"),
            (name: "queue.buffering.max.messages", value: "2")
        )
        ingest.start()
        defer { ingest.stop() }
        try wait(for: "all records") { ingest.status.records == 3 }
        #expect(
            try store.deadLetters(after: 0, limit: 9).map(\.letter.reason) == ["bad_json", "oversized", "bad_json"]
        )
        try wait(for: "forwarding") { store.deadLetterSummary.waiting == 0 }
        try Self.produce(broker, (0..<9).map { (0, "bad \($0)") })
        try wait(for: "nine more") { ingest.status.records == 12 && store.deadLetterSummary.waiting == 0 }
        let consumer = try KafkaConsumer(KafkaSettings(bootstrapServers: broker.bootstrapServers))
        #expect(
            try consumer.watermarkOffsets(topic: "purchases.dlq", partition: 0, timeoutMilliseconds: 5000).high >= 11,
            "all but the large one"
        )
    }

    @Test(.timeLimit(.minutes(1))) func aRestartGoesOnFromTheStoredOffsets() throws {
        let broker = try Self.broker(partitions: 2)
        var sent = 0
        var records: UInt64 = 0
        for round in 0..<4 {
            let store = try open()
            let ingest = service(store, broker)
            ingest.start()
            for _ in 0..<2 {
                try Self.produce(broker, (sent..<(sent + 300)).map { (Int32($0 % 2), Self.good($0)) })
                sent += 300
            }
            // Stopped in the midst of it in the second round; the third takes up the rest.
            if round == 1 {
                try wait(for: "the first records") { ingest.status.events > 0 }
            } else {
                try wait(for: "round \(round)") {
                    try store.counterValues["events/purchases"] == UInt64(sent)
                        && Self.offsets(store, partitions: 2) == [Int64(sent / 2), Int64(sent / 2)]
                }
            }
            ingest.stop()
            #expect(ingest.status.state == .stopped)
            records += ingest.status.events
            if round == 2 { try store.fold() }
            let stored = try Self.offsets(store, partitions: 2).reduce(0) { $0 + ($1 ?? 0) }
            #expect(store.counterValues["events/purchases"] == UInt64(stored), "offsets and events move together")
            store.close()
        }
        let store = try open()
        defer { store.close() }
        #expect(records == UInt64(sent), "every record was applied once")
        #expect(try Self.totals(store) == Self.expectedTotals(0..<sent))
        #expect(store.catalog.sources["purchases"]?.incarnation == 1)
    }

    @Test(.timeLimit(.minutes(1))) func aFreshBrokerBeginsANewIncarnation() throws {
        for round in 1...2 {
            let broker = try Self.broker()
            try Self.produce(broker, ((round - 1) * 100..<round * 100).map { (0, Self.good($0)) })
            let store = try open()
            defer { store.close() }
            let ingest = service(store, broker)
            ingest.start()
            defer { ingest.stop() }
            try wait(for: "round \(round)") { store.counterValues["events/purchases"] == UInt64(round * 100) }
            #expect(store.catalog.sources["purchases"]?.incarnation == UInt16(round))
            #expect(try Self.offsets(store, incarnation: UInt16(round), partitions: 1) == [100])
            #expect(try Self.totals(store) == Self.expectedTotals(0..<round * 100), "the same offsets, other records")
        }
    }

    /// An offset that the log does not have: the partition stands still, by name, and nothing is skipped; the other goes on.
    @Test(.timeLimit(.minutes(1))) func anOffsetOutOfRangeStopsThePartition() throws {
        let broker = try Self.broker(partitions: 2)
        try Self.produce(broker, (0..<10).map { (Int32($0 % 2), Self.good($0)) })
        let store = try open()
        defer { store.close() }
        _ = try store.incarnation(of: "purchases", cluster: broker.marker, isNewTopic: false)
        try store.commit { _ throws(StoreError) in
            var commit = Commit()
            commit.offsets = [StreamOffset(stream: StreamID(source: 1, incarnation: 1, partition: 0), next: 500)]
            return commit
        }
        let ingest = service(store, broker)
        ingest.start()
        defer { ingest.stop() }
        try wait(for: "the problem") { ingest.status.partitions.contains { $0.problem != nil } }
        let stopped = try #require(ingest.status.partitions.first { $0.problem != nil })
        #expect(stopped.partition == 0 && stopped.source == "purchases" && stopped.next == 500)
        #expect(stopped.problem?.contains("'purchases' partition 0 no longer has offset 500") == true)
        // Offsets are on disk a moment before their commit is visible.
        // Partition 0 was not consumed from its beginning: what there is, is partial.
        let expected = Self.expectedTotals([1, 3, 5, 7, 9]).map { $0.replacing("PRESENT", with: "PARTIAL") }
        try wait(for: "the other partition") { try Self.totals(store) == expected }
        #expect(try Self.offsets(store, partitions: 2) == [500, 5])
    }

    /// Consumption from offset 0 is complete from the start, even if the first run met nothing but dead letters.
    @Test(.timeLimit(.minutes(1))) func completenessIsKnownFromTheFirstOffset() throws {
        let broker = try Self.broker()
        try Self.produce(broker, [(0, "bad"), (0, "worse")])
        for round in 0..<2 {
            let store = try open()
            defer { store.close() }
            let ingest = service(store, broker)
            ingest.start()
            defer { ingest.stop() }
            if round == 1 { try Self.produce(broker, (0..<10).map { (0, Self.good($0)) }) }
            try wait(for: "round \(round)") { try Self.offsets(store, partitions: 1) == [round == 0 ? 2 : 12] }
            guard round == 1 else { continue }
            #expect(store.catalog.sources["purchases"]?.availableFrom == .distantPast)
            // Offsets are on disk a moment before their commit is visible. PRESENT, not PARTIAL:
            try wait(for: "the values") { try Self.totals(store) == Self.expectedTotals(0..<10) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func startingLateIsPartial() throws {
        let broker = try Self.broker()
        try Self.produce(broker, (0..<10).map { (0, Self.good($0)) })
        let store = try open(Purchases.definition(format: .epochMilliseconds, start: .latest))
        defer { store.close() }
        let ingest = service(store, broker)
        ingest.start()
        defer { ingest.stop() }
        try wait(for: "the assignment") { try Self.offsets(store, partitions: 1) == [10] }
        try Self.produce(broker, (10..<17).map { (0, Self.good($0)) })
        try wait(for: "seven records") { store.counterValues["events/purchases"] == 7 }
        #expect(store.catalog.sources["purchases"]?.availableFrom == Instant(microseconds: 1_600_000_000_010_000))
        #expect(try Self.totals(store) == Self.expectedTotals(10..<17).map { $0.replacing("PRESENT", with: "PARTIAL") })
    }

    @Test(.timeLimit(.minutes(1))) func anotherClusterIsRefusedByName() throws {
        let broker = try Self.broker()
        let store = try open()
        defer { store.close() }
        _ = try store.incarnation(of: "purchases", cluster: "production", isNewTopic: false)
        let ingest = service(store, broker)
        ingest.start()
        defer { ingest.stop() }
        try wait(for: "the halt") { ingest.status.state == .halted }
        #expect(ingest.status.problem?.contains("was consumed from Kafka cluster 'production'") == true)
        #expect(store.catalog.sources["purchases"]?.incarnation == 1)
    }
}
