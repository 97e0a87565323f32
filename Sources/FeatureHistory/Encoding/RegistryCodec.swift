// Values of the `registry` column family. Each opens with a version byte; docs/format/history.md draws them.

import FeatureModel

/// What moves with every commit.
struct StoreState: Equatable {
    /// The newest commit's number; 0 before the first.
    var commit: UInt64 = 0
    /// The newest commit's arrival, microseconds.
    var arrival: Int64 = 0
    /// Commits up to this one are wholly in leaves; their journal rows are gone.
    var foldedCommit: UInt64 = 0
    var foldedArrival: Int64 = .min
    /// Sequence number of the next dead letter, of the oldest kept, and of the oldest not yet forwarded.
    var deadLetterNext: UInt64 = 1
    var deadLetterFirst: UInt64 = 1
    var deadLetterUnforwarded: UInt64 = 1
    /// Dead letters dropped from the full outbox before they were forwarded.
    var deadLettersDropped: UInt64 = 0
    /// Bytes of the dead letters that are kept.
    var deadLetterBytes: UInt64 = 0
}

enum RegistryCodec {
    static let version: UInt8 = 1

    static func encode(_ state: StoreState) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(state.commit)
        writer.append(state.arrival)
        writer.append(state.foldedCommit)
        writer.append(state.foldedArrival)
        for value in [
            state.deadLetterNext, state.deadLetterFirst, state.deadLetterUnforwarded, state.deadLettersDropped,
            state.deadLetterBytes,
        ] { writer.append(value) }
        return writer.bytes
    }

    static func decodeState(_ bytes: [UInt8]) throws(StoreError) -> StoreState {
        try decode(bytes, subject: "store state") { reader throws(StoreError) in
            StoreState(
                commit: try reader.read(),
                arrival: try reader.read(),
                foldedCommit: try reader.read(),
                foldedArrival: try reader.read(),
                deadLetterNext: try reader.read(),
                deadLetterFirst: try reader.read(),
                deadLetterUnforwarded: try reader.read(),
                deadLettersDropped: try reader.read(),
                deadLetterBytes: try reader.read()
            )
        }
    }

    static func encode(_ history: HistorySchema) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(history.id)
        writer.append(string: history.source)
        writer.append(history.availableFrom.microseconds)
        writer.append(varint: UInt64(history.joinKeys.count))
        for key in history.joinKeys { append(key, to: &writer) }
        writer.append(varint: UInt64(history.columns.count))
        for column in history.columns {
            append(column.field, to: &writer)
            writer.append(column.availableFrom.microseconds)
        }
        return writer.bytes
    }

    static func decodeHistory(_ bytes: [UInt8]) throws(StoreError) -> HistorySchema {
        try decode(bytes, subject: "history record") { reader throws(StoreError) in
            let id = try reader.read(UInt32.self)
            let source = try reader.readString()
            let from = Instant(microseconds: try reader.read())
            var history = HistorySchema(id: id, source: source, joinKeys: [], columns: [], availableFrom: from)
            for _ in 0..<(try reader.readCount(itemBytes: 2)) { history.joinKeys.append(try readField(&reader)) }
            for _ in 0..<(try reader.readCount(itemBytes: 10)) {
                let field = try readField(&reader)
                history.columns.append(
                    HistoryColumn(field: field, availableFrom: Instant(microseconds: try reader.read()))
                )
            }
            return history
        }
    }

    static func encode(_ source: SourceRecord) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(source.ordinal)
        writer.append(source.incarnation)
        writer.append(string: source.cluster)
        writer.append(source.availableFrom.microseconds)
        writer.append(source.isAvailabilityDecided ? UInt8(1) : 0)
        writer.append(source.horizon.microseconds)
        writer.append(source.sweptHorizon.microseconds)
        return writer.bytes
    }

    static func decodeSource(_ bytes: [UInt8]) throws(StoreError) -> SourceRecord {
        try decode(bytes, subject: "source record") { reader throws(StoreError) in
            SourceRecord(
                ordinal: try reader.read(),
                incarnation: try reader.read(),
                cluster: try reader.readString(),
                availableFrom: Instant(microseconds: try reader.read()),
                isAvailabilityDecided: try reader.read(UInt8.self) != 0,
                horizon: Instant(microseconds: try reader.read()),
                sweptHorizon: Instant(microseconds: try reader.read())
            )
        }
    }

    static func encode(_ files: [DefinitionFile]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(varint: UInt64(files.count))
        for file in files {
            writer.append(string: file.name)
            writer.append(string: file.text)
        }
        return writer.bytes
    }

    static func decodeFiles(_ bytes: [UInt8]) throws(StoreError) -> [DefinitionFile] {
        try decode(bytes, subject: "applied definitions") { reader throws(StoreError) in
            var files: [DefinitionFile] = []
            for _ in 0..<(try reader.readCount(itemBytes: 2)) {
                files.append(DefinitionFile(name: try reader.readString(), text: try reader.readString()))
            }
            return files
        }
    }

    static func encode(counters: [String: UInt64]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(varint: UInt64(counters.count))
        for (name, value) in counters.sorted(by: { $0.key < $1.key }) {
            writer.append(string: name)
            writer.append(varint: value)
        }
        return writer.bytes
    }

    static func decodeCounters(_ bytes: [UInt8]) throws(StoreError) -> [String: UInt64] {
        try decode(bytes, subject: "counters") { reader throws(StoreError) in
            var counters: [String: UInt64] = [:]
            for _ in 0..<(try reader.readCount(itemBytes: 2)) {
                let name = try reader.readString()
                counters[name] = try reader.readVarint()
            }
            return counters
        }
    }

    private static func append(_ field: Field, to writer: inout ByteWriter) {
        writer.append(string: field.name)
        writer.append(field.type.rawValue)
    }

    private static func readField(_ reader: inout ByteReader) throws(StoreError) -> Field {
        let name = try reader.readString()
        guard let type = ValueType(rawValue: try reader.read()) else { throw reader.corrupt("unknown type") }
        return Field(name: name, type: type)
    }

    /// Checks the version byte and that nothing is left over.
    static func decode<R>(
        _ bytes: [UInt8],
        subject: StaticString,
        _ body: (inout ByteReader) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        var result: Result<R, StoreError> = .failure(StoreError(.corruption, "\(subject): empty"))
        bytes.withUnsafeBytes { raw in
            do throws(StoreError) {
                var reader = ByteReader(raw, subject: subject)
                let version = try reader.read(UInt8.self)
                guard version == Self.version else {
                    throw StoreError(.unknownFormat, "\(subject) version \(version); this build reads \(Self.version)")
                }
                let value = try body(&reader)
                try reader.expectEnd()
                result = .success(value)
            } catch { result = .failure(error) }
        }
        return try result.get()
    }
}

/// One file of an applied feature repository, as it was when it was applied.
public struct DefinitionFile: Hashable, Sendable {
    public var name: String
    public var text: String
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
