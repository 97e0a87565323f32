import ArgumentParser
import FoundationEssentials
import Glibc
import KafkaLog

struct ProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Send a file of JSON lines to a topic.",
        discussion: """
            Examples:
              strandline produce --bootstrap 127.0.0.1:9092 --topic purchases --key customer_id purchases.jsonl
              cat purchases.jsonl | strandline produce --bootstrap 127.0.0.1:9092 --topic purchases -

            Each line is a record, sent as it is. --key takes the record key from a field of the line, so that the records
            of one entity share a partition and stay in order.
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

    mutating func run() throws {
        guard let input = file == "-" ? fdopen(STDIN_FILENO, "r") : fopen(file, "r") else {
            throw Failure(.failed, "\(file): cannot be read")
        }
        defer { fclose(input) }
        var information = stat()
        let total = fstat(fileno(input), &information) == 0 && information.st_size > 0 ? Int(information.st_size) : 0
        do {
            let producer = try KafkaProducer(KafkaSettings(bootstrapServers: bootstrap))
            defer { producer.close() }
            let sent = try send(input, producer, total)
            print("produced=\(sent) topic=\(topic)")
        } catch let error as KafkaError { throw Failure(.unreachable, error.description) }
    }

    private func send(_ input: UnsafeMutablePointer<FILE>, _ producer: KafkaProducer, _ total: Int) throws -> Int {
        var bar = total > 0 ? ProgressBar("producing", total: total) : nil
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        var sent = 0
        var bytes = 0
        while true {
            let count = getline(&line, &capacity, input)
            guard count > 0, let line else { break }
            bytes += count
            var record = [UInt8](UnsafeRawBufferPointer(start: line, count: count))
            while let last = record.last, last == 0x0a || last == 0x0d { record.removeLast() }
            if record.isEmpty { continue }
            while try !queue(record, producer) { try collect(producer, waiting: 100) }
            sent += 1
            if sent % 1000 == 0 {
                try collect(producer, waiting: 0)
                bar?.update(bytes)
            }
        }
        while producer.outstanding > 0 { try collect(producer, waiting: 100) }
        bar?.update(total)
        return sent
    }

    /// - Returns: false when the producer's queue is full: collect reports, then try again.
    private func queue(_ record: [UInt8], _ producer: KafkaProducer) throws -> Bool {
        do {
            try producer.produce(topic: topic, key: key.flatMap { Self.field($0, of: record) }, value: record)
        } catch {
            if error.code == .queueFull { return false }
            throw error
        }
        return true
    }

    /// Takes delivery reports; the first failed one ends the command.
    private func collect(_ producer: KafkaProducer, waiting milliseconds: Int) throws {
        for report in try producer.poll(timeoutMilliseconds: milliseconds) {
            if let error = report.error { throw error }
        }
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
