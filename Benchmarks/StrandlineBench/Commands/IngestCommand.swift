import ArgumentParser
import FeatureHistory
import Glibc
import Ingest

struct IngestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Read a topic into a fresh store, until every record is committed and can be looked up.",
        discussion: """
            One view: count, sum, mean and max of `amount` over 1h, 7d and 30d. Timed from the assignment of the
            partitions to the commit of the last record. `check` then opens the store that was left behind.

              strandline-bench ingest --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh
              strandline-bench ingest --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh --kill
            """
    )

    @OptionGroup var arguments: StoreArguments

    @Flag(help: "End with SIGKILL as soon as the last record is readable: nothing is closed or flushed.")
    var kill = false

    func run() throws {
        let extent = try arguments.extent()
        let total = UInt64(extent.records)
        let store = try arguments.openFresh()
        let memory = Measure.residentBytes()
        let run = IngestRun(arguments, store)
        let began = try run.start()
        // A record is counted in the status once its commit is done and visible.
        try run.wait(microseconds: 1000) { $0.records >= total }
        let rate = EventRate(
            records: Int(total),
            seconds: Double(Measure.nanoseconds() - began.nanoseconds) / 1e9,
            processorMicroseconds: Measure.processorMicroseconds() - began.processorMicroseconds
        )
        printLine(rate.line)
        printLine([
            "commits": String(run.status.commits), "resident_bytes": String(Measure.residentBytes() - memory),
            "rss_bytes": String(Measure.residentBytes()),
        ])
        if kill { Glibc.kill(getpid(), SIGKILL) }
        run.stop()
        store.close()
    }
}
