import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Stored bytes that lie: an error by name, never a trap, and never more memory than the bytes can justify.
@Suite struct CodecFuzzTests {
    static let types: [ValueType] = [.int64, .float64, .string, .bool, .timestamp]

    static func batch(_ count: Int, seed: UInt64, nullsOneIn: Int = 4) -> EventBatch {
        var stream = SeededStream(SeededStream.Shape(types: types, nullsOneIn: nullsOneIn, isExtreme: true), seed: seed)
        let batch = EventBatch(types: ColumnTypes(types))
        let events = (0..<count).map { stream.next(arrival: Int64($0)).event }.sorted {
            ($0.time, $0.stream.rawValue, $0.position.offset) < ($1.time, $1.stream.rawValue, $1.position.offset)
        }
        for event in events {
            let row = batch.appendRows(1)
            batch.times[row] = event.time
            batch.arrivals[row] = event.arrival
            batch.streams[row] = event.stream.rawValue
            batch.offsets[row] = event.position.offset
            let key = World.userKey(event.position.offset)
            batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
            batch.keyBytes += key
            batch.nulls[row] = 0
            for (column, value) in event.values.enumerated() {
                var slot: UInt64 = 0
                switch value {
                case .null: batch.nulls[row] |= 1 << UInt64(column)
                case .int64(let number): slot = UInt64(bitPattern: number)
                case .float64(let number): slot = number.bitPattern
                case .bool(let flag): slot = flag ? 1 : 0
                case .timestamp(let instant): slot = UInt64(bitPattern: instant.microseconds)
                case .string(let text): slot = Array(text.utf8).withUnsafeBytes { batch.store($0) }
                case .list, .map: slot = 0
                }
                batch.column(column)[row] = slot
            }
        }
        return batch
    }

    /// A batch as text, following every string: reads what a lookup would read.
    static func text(_ batch: EventBatch, hasKeys: Bool) -> [String] {
        (0..<batch.count).map { row in
            var parts = ["\(batch.times[row]) \(batch.arrivals[row]) \(batch.streams[row]) \(batch.offsets[row])"]
            if hasKeys { parts.append(batch.withKey(row) { "\(Array($0))" }) }
            for column in batch.types.indices {
                if batch.isNull(column, row) {
                    parts.append("null")
                } else if batch.types[column] == .string {
                    parts.append("\(Array(batch.string(batch.column(column)[row])))")
                } else {
                    parts.append("\(batch.column(column)[row])")
                }
            }
            return parts.joined(separator: " | ")
        }
    }

    @Test(arguments: [0, 1, 2, 100, 256]) func roundTrips(count: Int) throws {
        let batch = Self.batch(count, seed: UInt64(count) + 1)
        let journal = JournalCodec.encode(
            [(history: 3, batch: batch), (history: 9, batch: Self.batch(2, seed: 8))],
            arrival: 42
        )
        let (arrival, batches) = try journal.withUnsafeBytes { try JournalCodec.decode($0) }
        #expect(arrival == 42 && batches.map(\.history) == [3, 9])
        for row in 0..<batch.count { batch.arrivals[row] = 42 }
        #expect(Self.text(batches[0].batch, hasKeys: true) == Self.text(batch, hasKeys: true))
        let trailers = [
            LeafCodec.Trailer(), LeafCodec.Trailer(hasMore: true), LeafCodec.Trailer(base: [1, 2, 3]),
            LeafCodec.Trailer(hasMore: true, base: []),
        ]
        for trailer in trailers {
            let leaf = LeafCodec.encode(batch, rows: 0..<count, trailer)
            let decoded = EventBatch(types: ColumnTypes(Self.types))
            #expect(try leaf.withUnsafeBytes { try LeafCodec.decode($0, into: decoded) } == trailer)
            #expect(try leaf.withUnsafeBytes { try LeafCodec.firstTime($0) } == (count == 0 ? nil : batch.times[0]))
            #expect(Self.text(decoded, hasKeys: false) == Self.text(batch, hasKeys: false))
        }
    }

    /// A row as stores of before have it: every array with a value a row.
    static func plainJournal(_ batch: EventBatch, history: UInt32, arrival: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }
        func append(bytes more: [UInt8]) {
            var rest = more.count
            while rest >= 0x80 {
                bytes.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
            bytes += more
        }
        append(UInt8(1))
        append(arrival)
        append(UInt8(1))
        append(history)
        append(UInt8(batch.count))
        append(UInt8(batch.columnCount))
        for type in batch.types { append(type.rawValue) }
        append(UInt16.max)
        for row in 0..<batch.count { append(batch.times[row]) }
        for row in 0..<batch.count { append(batch.streams[row]) }
        for row in 0..<batch.count { append(batch.offsets[row]) }
        for row in 0..<batch.count { append(batch.nulls[row]) }
        for column in 0..<batch.columnCount { for row in 0..<batch.count { append(batch.column(column)[row]) } }
        for row in 0..<batch.count { append(batch.keys[row]) }
        append(bytes: batch.keyBytes)
        append(bytes: batch.strings)
        return bytes
    }

    @Test func journalRowsOfBeforeAreRead() throws {
        let batch = Self.batch(100, seed: 11)
        for row in 0..<100 { batch.arrivals[row] = 42 }
        let plain = Self.plainJournal(batch, history: 3, arrival: 42)
        let (arrival, batches) = try plain.withUnsafeBytes { try JournalCodec.decode($0) }
        #expect(arrival == 42 && batches.map(\.history) == [3])
        #expect(Self.text(batches[0].batch, hasKeys: true) == Self.text(batch, hasKeys: true))
    }

    /// What is the same in all rows stands there once.
    @Test func journalRowsOfOneStreamAreShort() throws {
        let batch = EventBatch(types: [.int64])
        for number in 0..<100 {
            let row = World.userKey(Int64(number)).withUnsafeBytes {
                batch.appendRow(EventOrder(time: Int64(number), stream: 5, offset: Int64(number)), key: $0)
            }
            batch.arrivals[row] = 42
            batch.nulls[row] = 0
            batch.column(0)[row] = UInt64(number) << 40
        }
        let bytes = JournalCodec.encode([(history: 1, batch: batch)], arrival: 42)
        // Time, offset, value and 9 bytes of key; with every array it would be 57 bytes a row.
        #expect(bytes.count < 100 * (8 + 8 + 8 + 9) + 80)
        let decoded = try bytes.withUnsafeBytes { try JournalCodec.decode($0) }.batches[0].batch
        #expect(Self.text(decoded, hasKeys: true) == Self.text(batch, hasKeys: true))
    }

    /// Events come back from memory with the bits of columns to come set; a leaf does not pay 10 bytes an event for them.
    @Test func eventsWithoutNullsStoreNoNulls() {
        let batch = Self.batch(200, seed: 3, nullsOneIn: 0)
        var events = EntityEvents()
        defer { events.free() }
        for row in 0..<batch.count { events.insert(row, of: batch) }
        let copy = EventBatch(types: ColumnTypes(Self.types))
        events.copy(arrivedAfter: .min, through: .max, to: copy)
        let direct = LeafCodec.encode(batch, rows: 0..<200, LeafCodec.Trailer())
        #expect(LeafCodec.encode(copy, rows: 0..<200, LeafCodec.Trailer()).count == direct.count)
    }

    enum Subject: CaseIterable { case leaf, journal, deadLetter, state, history, source, files, counters, fileRows }

    static func bytes(_ subject: Subject, seed: UInt64) -> [UInt8] {
        switch subject {
        case .leaf:
            return LeafCodec.encode(
                batch(20, seed: seed),
                rows: 0..<20,
                LeafCodec.Trailer(hasMore: true, base: [9, 8, 7])
            )
        case .journal:
            return JournalCodec.encode(
                [(history: 1, batch: batch(6, seed: seed)), (history: 2, batch: batch(3, seed: seed))],
                arrival: 1
            )
        case .deadLetter: return DeadLetterCodec.encode(DeadLetterTests.letter(Int64(seed)))
        case .state: return RegistryCodec.encode(StoreState())
        case .history:
            return RegistryCodec.encode(
                HistorySchema(
                    id: 1,
                    source: "s",
                    joinKeys: [Field(name: "k", type: .int64)],
                    columns: World.fields.map { HistoryColumn(field: $0, availableFrom: .distantPast) },
                    availableFrom: .distantPast
                )
            )
        case .source:
            return RegistryCodec.encode(
                SourceRecord(
                    ordinal: 1,
                    incarnation: 2,
                    cluster: "c",
                    availableFrom: .distantPast,
                    isAvailabilityDecided: true
                )
            )
        case .files:
            return RegistryCodec.encode([DefinitionFile(name: "a", text: "text"), DefinitionFile(name: "b", text: "")])
        case .counters: return RegistryCodec.encode(counters: ["a": 1, "b/c": 1 << 60])
        case .fileRows:
            let hour = Int64(seed) * 1000 - 3500
            let row = FileRowCounts()
                .row(
                    adding: FileRowHour(history: 7, hour: hour, rows: 300, newest: hour * 3_600_000_000 + 3_599_999_999)
                )
            return row.key + row.value
        }
    }

    /// Decodes and looks at all that came out.
    static func decode(_ subject: Subject, _ bytes: [UInt8]) throws {
        switch subject {
        case .leaf:
            let decoded = EventBatch(types: ColumnTypes(types))
            _ = try bytes.withUnsafeBytes { try LeafCodec.decode($0, into: decoded) }
            _ = text(decoded, hasKeys: false)
        case .journal:
            for (_, batch) in try bytes.withUnsafeBytes({ try JournalCodec.decode($0) }).batches {
                _ = text(batch, hasKeys: true)
            }
        case .deadLetter: _ = try bytes.withUnsafeBytes { try DeadLetterCodec.decode($0) }
        case .state: _ = try RegistryCodec.decodeState(bytes)
        case .history: _ = try RegistryCodec.decodeHistory(bytes)
        case .source: _ = try RegistryCodec.decodeSource(bytes)
        case .files: _ = try RegistryCodec.decodeFiles(bytes)
        case .counters: _ = try RegistryCodec.decodeCounters(bytes)
        case .fileRows:
            var counts = FileRowCounts()
            let key = RegistryKey.fileRowsPrefix.count + 16
            try counts.read(Array(bytes.prefix(key)), Array(bytes.dropFirst(key)))
            for (history, hours) in counts.hours {
                for (hour, count) in hours {
                    let again = FileRowHour(history: history, hour: hour, rows: 1, newest: count.newest)
                    _ = counts.row(adding: again)
                }
            }
        }
    }

    static func isNamed(_ error: any Error) -> Bool {
        guard let error = error as? StoreError else { return false }
        return error.code == .corruption || error.code == .unknownFormat
    }

    @Test(arguments: Subject.allCases) func everyPrefixIsRefused(subject: Subject) throws {
        let whole = Self.bytes(subject, seed: 5)
        try Self.decode(subject, whole)
        for count in 0..<whole.count {
            #expect(performing: { try Self.decode(subject, Array(whole.prefix(count))) }, throws: Self.isNamed)
        }
        #expect(performing: { try Self.decode(subject, whole + [0]) }, throws: Self.isNamed)
    }

    @Test(arguments: Subject.allCases) func mutationsNeverTrap(subject: Subject) throws {
        var refused = 0
        for seed in TestSeeds.list(1500) {
            var random = SplitMix64(seed: seed)
            var bytes = Self.bytes(subject, seed: seed % 7 + 1)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
                guard place < bytes.count else { continue }
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2:
                    bytes.insert(
                        contentsOf: [0xff, 0xff, 0xff, 0xff, 0x7f].prefix(Int.random(in: 1...5, using: &random)),
                        at: place
                    )
                case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
                default: bytes[place] = 0xff
                }
            }
            do { try Self.decode(subject, bytes) } catch {
                refused += 1
                if !Self.isNamed(error) { Issue.record("\(TestSeeds.hint(seed)): \(error)") }
            }
        }
        #expect(refused > 0 || TestSeeds.list(2).count == 1)
    }

    /// A row of a megabyte that claims thousands of rows by hundreds of thousands of columns.
    @Test func claimsAreHeldAgainstTheBytes() {
        var writer = ByteWriter()
        writer.append(JournalCodec.version)
        writer.append(Int64(1))
        writer.append(varint: 1)
        writer.append(UInt32(1))
        writer.append(varint: 10_000)
        writer.append(varint: 500_000)
        let bytes = writer.bytes + [UInt8](repeating: ValueType.int64.rawValue, count: 1 << 20)
        #expect(performing: { try Self.decode(.journal, bytes) }, throws: Self.isNamed)
    }
}
