import Atomics
public import FeatureModel

import RocksDB
import Windowing

extension FeatureStore {
    /// Makes one commit: fixes its arrival, asks `body` for what to move, writes it in one batch, and makes it visible.
    /// After the return every read that asks for the newest sees all of it. Durable against a killed process then;
    /// against a power loss when `syncsCommits`.
    ///
    /// - Parameter body: gets the arrival, so that acceptance compares event times with it. Runs under the writer lock:
    ///   short, no I/O.
    /// - Returns: the arrival, or nil when there was nothing to commit.
    @discardableResult
    public func commit(_ body: (_ arrival: Instant) throws(StoreError) -> Commit) throws(StoreError) -> Instant? {
        try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            var next = state
            next.arrival = max(clock().microseconds, next.arrival + 1)
            let commit = try body(Instant(microseconds: next.arrival))
            guard !commit.isEmpty else { return nil }
            next.commit += 1
            for (_, batch) in commit.batches {
                batch.arrivals.update(repeating: next.arrival, count: batch.count)
            }
            var totals = counters
            for (name, increment) in commit.counters { totals[name, default: 0] &+= increment }
            var writes = WriteBatch()
            let events = commit.batches.filter { $0.batch.count > 0 }
            let key = StoreKeys.number(next.commit)
            if !events.isEmpty {
                var row = ByteWriter()
                JournalCodec.encode(events, arrival: next.arrival, to: &row)
                key.withUnsafeBytes { key in row.withBytes { writes.put(key, $0, in: families.journal) } }
            }
            if !commit.ranges.isEmpty {
                writes.put(key, Self.ledgerRow(commit.ranges, arrival: next.arrival), in: families.ledger)
            }
            for offset in commit.offsets {
                writes.put(
                    StoreKeys.number(offset.stream.rawValue),
                    StoreKeys.number(UInt64(bitPattern: offset.next)),
                    in: families.offsets
                )
            }
            try put(commit.deadLetters, &next, to: &writes)
            if !commit.counters.isEmpty {
                writes.put(RegistryKey.counters, RegistryCodec.encode(counters: totals), in: families.registry)
            }
            let decided = decide(commit.availability, &writes)
            for hour in commit.fileRows {
                let (key, value) = fileRows.row(adding: hour)
                writes.put(key, value, in: families.registry)
            }
            writes.put(RegistryKey.state, RegistryCodec.encode(next), in: families.registry)
            try commitOrFail(writes, sync: options.syncsCommits)
            state = next
            counters = totals
            for hour in commit.fileRows { fileRows.add(hour) }
            if let decided { publish(decided) }
            for (history, batch) in events {
                resident.append(batch, history: history, isNewComplete: !hasLeaves.load(ordering: .acquiring))
                unfoldedEvents.wrappingIncrement(by: batch.count, ordering: .relaxed)
            }
            publish(arrival: next.arrival)
            return Instant(microseconds: next.arrival)
        }
    }

    /// Adds the sources whose availability is still open to the batch; returns the catalog that follows, if any.
    private func decide(_ availability: [(source: String, from: Instant)], _ writes: inout WriteBatch) -> Catalog? {
        let old = catalog
        var sources = old.sources
        for (source, from) in availability {
            guard var record = sources[source], !record.isAvailabilityDecided else { continue }
            record.availableFrom = from
            record.isAvailabilityDecided = true
            sources[source] = record
            writes.put(RegistryKey.source(source), RegistryCodec.encode(record), in: families.registry)
        }
        guard sources != old.sources else { return nil }
        return Catalog(
            definition: old.definition,
            definitionHash: old.definitionHash,
            histories: old.histories,
            sources: sources,
            generation: old.generation + 1
        )
    }

    /// `version u8 | arrival i64 | count varint | per range: stream u64, first i64, length varint`
    private static func ledgerRow(_ ranges: [StreamRange], arrival: Int64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt8(1))
        writer.append(arrival)
        writer.append(varint: UInt64(ranges.count))
        for range in ranges {
            writer.append(range.stream.rawValue)
            writer.append(range.first)
            writer.append(varint: UInt64(bitPattern: range.last &- range.first &+ 1))
        }
        return writer.bytes
    }

    /// The stored offset of a stream; nil when it was never consumed.
    public func offset(of stream: StreamID) throws(StoreError) -> Int64? {
        let bytes = try storing { () throws(RocksDBError) in
            try database.get(StoreKeys.number(stream.rawValue), in: families.offsets)
        }
        guard let bytes else { return nil }
        guard let value = bytes.withUnsafeBytes({ StoreKeys.number(in: $0) }) else {
            throw StoreError(.corruption, "stored offset of \(bytes.count) bytes")
        }
        return Int64(bitPattern: value)
    }

    /// Persistent counters, such as `dead_letters/purchases/bad_json`.
    public var counterValues: [String: UInt64] { writer.withLock { counters } }
}
