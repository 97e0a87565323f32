import ArgumentParser
import Glibc

struct RecordColumnsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record-columns",
        abstract: "Write a benchmark's records as bare columns, for those who read files.",
        discussion: """
            The file holds the entities' numbers, then the event times in microseconds, both as 64-bit integers, then the
            amounts as doubles; all little-endian, one a record, in the order in which the records are sent.

              strandline-bench record-columns events.bin --records 10000000 --keys 100000 --cubic --days 180 \\
                  --until 1764000000000000
            """
    )

    @Argument(help: "The file to write.")
    var out: String

    @OptionGroup var records: RecordOptions

    func run() throws {
        let generator = records.generator()
        guard let file = fopen(out, "w") else { throw BenchError("cannot write \(out)") }
        try write(to: file) { Int64(generator.entity($0)).littleEndian }
        try write(to: file) { generator.eventTime($0).littleEndian }
        // The nearest double of the decimal that the record's text has.
        try write(to: file) { (Double(generator.cents($0)) / 100).bitPattern.littleEndian }
        guard fclose(file) == 0 else { throw BenchError("cannot write \(out)") }
    }

    private func write<Number: FixedWidthInteger>(
        to file: UnsafeMutablePointer<FILE>,
        _ number: (Int) -> Number
    ) throws {
        var part: [Number] = []
        for start in stride(from: 0, to: records.records, by: 65_536) {
            part.removeAll(keepingCapacity: true)
            for record in start..<min(records.records, start + 65_536) { part.append(number(record)) }
            let written = part.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            guard written == part.count * MemoryLayout<Number>.size else { throw BenchError("cannot write \(out)") }
        }
    }
}
