import FeatureHistory
import FeatureModel
import KafkaLog
import Logging
import Scheduling

/// The forwarder thread's work: dead letters from the outbox to their topics, at least once, in order. An unreachable
/// topic delays only this thread; the outbox is bounded (`DeadLetterLimits`).
struct DeadLetterForwarder {
    private let store: FeatureStore
    private let options: IngestOptions
    private let log: Logger
    private let stopping: Flag

    private static let batchSize = 500
    /// Larger than the producer's own default, or a record that the brokers took could not be sent on to them. Still below
    /// what the development broker can take.
    private static let defaults = [(name: "message.max.bytes", value: "2000000")]
    /// MSG_SIZE_TOO_LARGE, said by the client or by a broker.
    private static let tooLarge = KafkaError.Code(rawValue: 10)

    init(_ store: FeatureStore, _ options: IngestOptions, _ log: Logger, _ stopping: Flag) {
        self.store = store
        self.options = options
        self.log = log
        self.stopping = stopping
    }

    func run() {
        var producer: KafkaProducer?
        defer { producer?.close() }
        var pause = 500
        while !stopping.isSet {
            do throws(IngestError) {
                let letters = try storing { () throws(StoreError) in
                    try store.unforwardedDeadLetters(limit: Self.batchSize)
                }
                if letters.isEmpty {
                    wait(milliseconds: 100)
                    continue
                }
                let current: KafkaProducer
                if let producer { current = producer } else { current = try makeProducer() }
                producer = current
                try forward(letters, with: current)
                pause = 500
            } catch {
                guard !error.isHalt else {
                    log.critical("dead letters are no longer forwarded: \(error)")
                    return
                }
                log.warning("dead letters wait in the outbox: \(error); trying again in \(pause) ms")
                producer?.close()
                producer = nil
                wait(milliseconds: pause)
                pause = min(pause * 2, 30_000)
            }
        }
    }

    private func wait(milliseconds: Int) {
        var left = milliseconds
        while left > 0, !stopping.isSet {
            DedicatedThread.sleep(milliseconds: min(left, 50))
            left -= 50
        }
    }

    private func makeProducer() throws(IngestError) -> KafkaProducer {
        let log = log
        return try consuming { () throws(KafkaError) in
            try KafkaProducer(KafkaSettings(Self.defaults + options.kafka)) { _, facility, text in
                log.debug("librdkafka \(facility): \(text)")
            }
        }
    }

    private func forward(_ letters: [FeatureStore.NumberedDeadLetter], with producer: KafkaProducer) throws(IngestError)
    {
        let topics = Dictionary(
            store.catalog.definition.sources.map { ($0.name, $0.deadLetterTopic) },
            uniquingKeysWith: { first, _ in first }
        )
        var waiting: Set<UInt64> = []
        var unsent = UInt64.max
        for (sequence, letter) in letters.map({ ($0.sequence, $0.letter) }) {
            // A source without a dead-letter topic, or gone from the definitions, keeps its letters here.
            guard case .some(.some(let topic)) = topics[letter.source] else { continue }
            do throws(KafkaError) {
                try producer.produce(
                    topic: topic,
                    partition: nil,
                    key: letter.key,
                    value: letter.value,
                    headers: Self.headers(letter),
                    timestampMilliseconds: letter.timestampMilliseconds >= 0 ? letter.timestampMilliseconds : nil,
                    token: sequence
                )
                waiting.insert(sequence)
            } catch {
                if error.code == Self.tooLarge {
                    keep(sequence, letter, error)
                } else if error.code == .queueFull, !waiting.isEmpty {
                    // Large letters: first these, then the rest.
                    unsent = sequence
                    break
                } else {
                    throw IngestError(error)
                }
            }
        }
        var failed: (sequence: UInt64, error: KafkaError)?
        while !waiting.isEmpty, !stopping.isSet {
            for report in try consuming({ () throws(KafkaError) in try producer.poll(timeoutMilliseconds: 100) }) {
                waiting.remove(report.token)
                guard let error = report.error else { continue }
                if error.code == Self.tooLarge {
                    if let letter = letters.first(where: { $0.sequence == report.token }) {
                        keep(report.token, letter.letter, error)
                    }
                } else if report.token < failed?.sequence ?? .max {
                    failed = (report.token, error)
                }
            }
        }
        // Only the unbroken beginning counts as forwarded: what came after a failure is sent again.
        let end = min(failed?.sequence ?? .max, waiting.min() ?? .max, unsent)
        if let last = letters.map(\.sequence).last(where: { $0 < end }) {
            try storing { () throws(StoreError) in try store.markForwarded(through: last) }
        }
        if let failed { throw IngestError(failed.error) }
    }

    /// A letter that its topic will never take must not hold up those behind it: it stays readable in the outbox only.
    private func keep(_ sequence: UInt64, _ letter: DeadLetter, _ error: KafkaError) {
        log.error(
            "dead letter \(sequence) (topic '\(letter.topic)', partition \(letter.partition), offset \(letter.offset)) is not forwarded: \(error)"
        )
    }

    /// The record's own headers, then Kafka Connect's names for what went wrong; a header that is there already is not
    /// written over (Connect's DeadLetterQueueReporter does the same).
    static func headers(_ letter: DeadLetter) -> [(name: String, value: [UInt8]?)] {
        var headers = letter.headers.map { (name: $0.name, value: $0.value) }
        let isDecoding =
            letter.reason != RejectionReason.tooFarInFuture.rawValue
            && letter.reason != RejectionReason.outsideHistory.rawValue
        let context = [
            ("topic", letter.topic), ("partition", String(letter.partition)), ("offset", String(letter.offset)),
            ("connector.name", letter.source), ("task.id", "0"), ("stage", isDecoding ? "VALUE_CONVERTER" : "TASK_PUT"),
            ("class.name", "strandline.ingest"), ("exception.class.name", letter.reason),
            ("exception.message", letter.message),
        ]
        for (name, value) in context {
            let full = "__connect.errors.\(name)"
            if !headers.contains(where: { $0.name == full }) { headers.append((full, Array(value.utf8))) }
        }
        return headers
    }
}
