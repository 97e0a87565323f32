import ArgumentParser
import FeatureHistory
import Ingest

struct LatencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Ingest what `pace` sends, and say how long each event took from its send until it was readable.",
        discussion: """
            Prints state=consuming when the producer may begin, and ends after --records events.

              strandline-bench latency --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh --records 3000000
            """
    )

    @OptionGroup var arguments: StoreArguments

    @Option(help: "The events to wait for.")
    var records: Int

    func run() throws {
        let store = try arguments.openFresh()
        defer { store.close() }
        let run = IngestRun(arguments, store)
        let began = try run.start()
        printLine(["state": "consuming"])
        var commits = CommitTimes()
        // A look every 0.1 ms, and the status every 5 ms: it costs more.
        try run.wait(microseconds: 0) { status in
            for _ in 0..<50 { commits.look(at: store) }
            return status.records >= UInt64(records)
        }
        let processor = Measure.processorMicroseconds() - began.processorMicroseconds
        commits.look(at: store)
        run.stop()
        let latencies = try commits.latencies(of: store)
        guard latencies.count == records else {
            throw BenchError("\(records) events were sent, the store holds \(latencies.count)")
        }
        func milliseconds(_ share: Double) -> String {
            fixed(Double(latencies[min(records - 1, Int(Double(records) * share))]) / 1000, 2)
        }
        printLine([
            "event_to_readable_p50_ms": milliseconds(0.5), "event_to_readable_p99_ms": milliseconds(0.99),
            "event_to_readable_max_ms": milliseconds(1), "events": String(records),
            "commits": String(commits.count), "look_gap_max_ms": fixed(Double(commits.gapMax) / 1e6, 2),
            "cpu_us_per_event": fixed(Double(processor) / Double(records), 3),
        ])
    }
}
