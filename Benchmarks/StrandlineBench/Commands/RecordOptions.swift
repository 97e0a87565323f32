import ArgumentParser

/// Which records to make. The same options make the same records.
struct RecordOptions: ParsableArguments {
    @Option(help: "Number of records.")
    var records = 5_000_000

    @Option(help: "Number of entities.")
    var keys = 1_000_000

    @Option(help: "The first entity's number.")
    var firstKey = 0

    @Option(help: "Zipf exponent of the entities' frequencies.")
    var zipf = 1.0

    @Flag(help: "All entities equally often, in place of zipf.")
    var uniform = false

    @Flag(help: "Entity floor(keys * u^3), in place of zipf.")
    var cubic = false

    @Option(help: "Days from the first event time to the last.")
    var days = 30

    @Option(help: "Bytes of a record's JSON; at least \(RecordGenerator.recordBytesMin).")
    var recordBytes = 200

    @Option(help: "Seed of the records.")
    var seed: UInt64 = 1

    @Option(help: "The last event time, microseconds since 1970; now when absent.")
    var until: Int64?

    @Option(help: "Records of a producer's batch, and of a run of records in one partition.")
    var runLength = 1000

    func validate() throws {
        guard records > 0, keys > 0, keys < Int(Int32.max), zipf > 0, firstKey >= 0, days > 0 else {
            throw ValidationError("--records, --keys, --days and --zipf must be above 0")
        }
        guard recordBytes >= RecordGenerator.recordBytesMin, recordBytes <= 100_000 else {
            throw ValidationError("--record-bytes must lie in \(RecordGenerator.recordBytesMin) ... 100000")
        }
        guard runLength > 0, runLength * (recordBytes + TopicFilling.recordOverheadBytes) < TopicFilling.batchBytesMax
        else {
            throw ValidationError("--run-length times --record-bytes must stay below \(TopicFilling.batchBytesMax)")
        }
    }

    func generator() -> RecordGenerator {
        RecordGenerator(
            records: records,
            keys: keys,
            firstKey: firstKey,
            distribution: cubic ? .cubic : uniform ? .uniform : .zipf(exponent: zipf),
            recordBytes: recordBytes,
            days: days,
            until: until ?? Measure.wallMicroseconds(),
            seed: seed
        )
    }
}
