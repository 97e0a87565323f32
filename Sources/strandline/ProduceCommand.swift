import ArgumentParser
import FeatureModel
import FoundationEssentials
import KafkaLog

struct ProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Send a file of JSON lines to a topic.",
        discussion: """
            Examples:
              strandline produce --bootstrap 127.0.0.1:9092 --topic purchases \\
                  --key customer_id purchases.jsonl
              cat purchases.jsonl |
                  strandline produce --bootstrap 127.0.0.1:9092 --topic purchases -
              strandline produce --bootstrap 127.0.0.1:9092 --topic customers \\
                  --keyed customers.txt

            Each line is a record, sent as it is. --key takes the record key from a
            field of the line, so that the records of one entity share a partition and
            stay in order. With --keyed each line is a record key, a tab, and a value;
            with nothing behind the tab the record has no value, which is a delete
            where the source has a key_format.
            """
    )

    @Argument(help: "A file of JSON lines; - reads standard input.")
    var file: String

    @Option(help: "The brokers, host:port.")
    var bootstrap: String

    @Option(help: "The topic.")
    var topic: String

    @Option(help: "The field whose value becomes the record key; records without it get none.")
    var key: String?

    @Flag(help: "Each line is a record key, a tab, and a value; without a value it is a delete.")
    var keyed = false

    @Option(help: "The records' Kafka timestamp, ISO 8601; default: now.")
    var timestamp: String?

    mutating func validate() throws {
        if keyed, key != nil {
            throw ValidationError(
                "--key and --keyed exclude each other: the key is a field of the line, or stands before it"
            )
        }
    }

    mutating func run() throws {
        guard bootstrap.split(separator: ",").contains(where: { $0.contains { !$0.isWhitespace } }) else {
            throw Failure(
                .usage,
                "--bootstrap '\(bootstrap)' names no broker; write host:port, for example 127.0.0.1:9092"
            )
        }
        let time = try timestamp.map { text in
            guard let instant = Instant(iso8601: text), instant.microseconds >= 0 else {
                throw Failure(.usage, "--timestamp '\(text)' is not a time since 1970 such as 2026-01-31T00:00:00Z")
            }
            return instant.microseconds / 1000
        }
        let lines = try RecordLines(path: file)
        do {
            let settings = KafkaSettings([
                KafkaSetting("bootstrap.servers", bootstrap), KafkaSetting("message.timeout.ms", "60000"),
            ])
            let producer = try KafkaProducer(settings)
            defer { producer.close() }
            let (key, keyed, name) = (key, keyed, lines.name)
            let sender = RecordSender(
                producer: producer,
                bootstrap: bootstrap,
                topic: topic,
                timestampMilliseconds: time
            ) { line, number in
                if keyed { return try Self.split(line, place: "\(name): line \(number)") }
                return (key.flatMap { Self.field($0, of: line) }, line)
            }
            try sender.reach()
            let sent = try sender.send(lines)
            print("produced=\(sent) topic=\(topic)")
        } catch let error as KafkaError { throw Failure(.failed, error.description) }
    }

    /// Key and value on the two sides of the first tab; no value when there is nothing behind it.
    private static func split(_ line: [UInt8], place: String) throws -> RecordSender.Record {
        guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else {
            throw Failure(
                .usage,
                "\(place): no tab; with --keyed a line is a record key, a tab, and a value or nothing"
            )
        }
        let value = line[(tab + 1)...]
        return (Array(line[..<tab]), value.isEmpty ? nil : Array(value))
    }

    /// The text of a string or number field of a JSON object; nil when there is none.
    private static func field(_ name: String, of record: [UInt8]) -> [UInt8]? {
        struct Fields: Decodable {
            struct Name: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { return nil }
            }

            var container: KeyedDecodingContainer<Name>
            init(from decoder: any Decoder) throws { container = try decoder.container(keyedBy: Name.self) }
        }
        guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(record)) else { return nil }
        let key = Fields.Name(stringValue: name)
        if let number = try? fields.container.decode(Int64.self, forKey: key) { return Array(String(number).utf8) }
        if let text = try? fields.container.decode(String.self, forKey: key) { return Array(text.utf8) }
        return nil
    }
}
