import FeatureModel

/// A record that was not accepted, with everything that is needed to forward it as it came.
public struct DeadLetter: Hashable, Sendable {
    public var source: String
    public var topic: String
    public var partition: Int32
    public var offset: Int64
    /// The record's Kafka timestamp in milliseconds; -1 when it had none.
    public var timestampMilliseconds: Int64
    /// Why, as a stable word: the counter's name.
    public var reason: String
    /// Why, in a sentence.
    public var message: String
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [Header]

    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: [UInt8]?
        public init(name: String, value: [UInt8]?) {
            self.name = name
            self.value = value
        }
    }

    public init(
        source: String,
        topic: String,
        partition: Int32,
        offset: Int64,
        timestampMilliseconds: Int64,
        reason: String,
        message: String,
        key: [UInt8]?,
        value: [UInt8]?,
        headers: [Header]
    ) {
        self.source = source
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestampMilliseconds = timestampMilliseconds
        self.reason = reason
        self.message = message
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// How much the dead-letter outbox may hold. Beyond it the oldest go, counted when they were not forwarded yet: an
/// unreachable dead-letter topic must never stop ingest, and the record itself still stands in its topic.
public struct DeadLetterLimits: Hashable, Sendable {
    public var recordsMax: UInt64
    public var bytesMax: UInt64
    public init(recordsMax: UInt64 = 100_000, bytesMax: UInt64 = 256 << 20) {
        self.recordsMax = recordsMax
        self.bytesMax = bytesMax
    }
}

enum DeadLetterCodec {
    static let version: UInt8 = 1

    static func encode(_ letter: DeadLetter) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(string: letter.source)
        writer.append(string: letter.topic)
        writer.append(letter.partition)
        writer.append(letter.offset)
        writer.append(letter.timestampMilliseconds)
        writer.append(string: letter.reason)
        writer.append(string: letter.message)
        append(letter.key, to: &writer)
        append(letter.value, to: &writer)
        writer.append(varint: UInt64(letter.headers.count))
        for header in letter.headers {
            writer.append(string: header.name)
            append(header.value, to: &writer)
        }
        return writer.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) throws(StoreError) -> DeadLetter {
        var reader = ByteReader(bytes, subject: "dead letter")
        let version = try reader.read(UInt8.self)
        guard version == Self.version else {
            throw StoreError(.unknownFormat, "dead letter version \(version); this build reads \(Self.version)")
        }
        var letter = DeadLetter(
            source: try reader.readString(),
            topic: try reader.readString(),
            partition: try reader.read(),
            offset: try reader.read(),
            timestampMilliseconds: try reader.read(),
            reason: try reader.readString(),
            message: try reader.readString(),
            key: try readOptional(&reader),
            value: try readOptional(&reader),
            headers: []
        )
        for _ in 0..<(try reader.readCount(itemBytes: 2)) {
            letter.headers.append(DeadLetter.Header(name: try reader.readString(), value: try readOptional(&reader)))
        }
        try reader.expectEnd()
        return letter
    }

    private static func append(_ bytes: [UInt8]?, to writer: inout ByteWriter) {
        writer.append(bytes == nil ? UInt8(0) : 1)
        if let bytes { writer.append(lengthPrefixed: bytes) }
    }

    private static func readOptional(_ reader: inout ByteReader) throws(StoreError) -> [UInt8]? {
        guard try reader.read(UInt8.self) != 0 else { return nil }
        return Array(try reader.readLengthPrefixed())
    }
}
