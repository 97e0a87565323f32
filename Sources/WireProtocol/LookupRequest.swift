public import FeatureModel
public import NIOCore

/// LOOKUP as the client writes it. The server reads the same bytes with `LookupRequestView`.
public struct LookupRequest: Hashable, Sendable {
    public var lookupID: UInt32
    /// nil: the server's now.
    public var asOf: Instant?
    /// nil: the newest visible commit.
    public var knownAt: Instant?
    public var boundary: Boundary
    public var wantsEventTimes: Bool
    /// For each entity the values of PREPARED's request fields; empty where there are none.
    public var requestValues: [[FeatureValue]]
    /// Microseconds from the server's receipt within which the answer is of use, at least 1; nil: it always is.
    public var deadline: UInt32?
    /// Entity keys as `EntityKey` encodes them.
    public var keys: [[UInt8]]

    public init(
        lookupID: UInt32,
        asOf: Instant? = nil,
        knownAt: Instant? = nil,
        boundary: Boundary = .strict,
        wantsEventTimes: Bool = false,
        requestValues: [[FeatureValue]] = [],
        deadline: UInt32? = nil,
        keys: [[UInt8]]
    ) {
        self.lookupID = lookupID
        self.asOf = asOf
        self.knownAt = knownAt
        self.boundary = boundary
        self.wantsEventTimes = wantsEventTimes
        self.requestValues = requestValues
        self.deadline = deadline
        self.keys = keys
    }
}

extension LookupRequest: WireMessage {
    public static let type = MessageType.lookup

    /// Copies the fields and keys; lengths are checked, the keys' types are not, since they are not in the message.
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        self = try body.withUnsafeReadableBytes { bytes throws(WireError) in
            let view = try LookupRequestView(bytes, limits: limits)
            return LookupRequest(
                lookupID: view.lookupID,
                asOf: view.asOf,
                knownAt: view.knownAt,
                boundary: view.boundary,
                wantsEventTimes: view.wantsEventTimes,
                requestValues: try RequestRows.copy(view.requestBytes, count: view.count),
                deadline: view.deadline,
                keys: try EntityKeys.copy(view.keyBytes, count: view.count)
            )
        }
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        let options = ReadOptions(
            asOf: asOf,
            knownAt: knownAt,
            boundary: boundary,
            eventTimes: wantsEventTimes,
            requestValues: !requestValues.isEmpty,
            deadline: deadline != nil
        )
        guard let count = UInt32(exactly: keys.count) else {
            throw .tooMany(keys.count, "entities", max: Int(UInt32.max))
        }
        buffer.writeMultipleIntegers(
            lookupID,
            options.rawValue,
            asOf?.microseconds ?? 0,
            knownAt?.microseconds ?? 0,
            count,
            endianness: .little
        )
        try RequestRows.write(requestValues, count: keys.count, deadline, into: &buffer)
        try EntityKeys.write(keys, into: &buffer)
    }
}

extension EntityKeys {
    static func copy(_ bytes: UnsafeRawBufferPointer, count: Int) throws(WireError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        keys.reserveCapacity(count)
        var start = 0
        for index in 0..<count {
            guard bytes.count - start >= 2 else { throw .truncated("an entity key") }
            let length = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
            start += 2
            guard bytes.count - start >= length else { throw .truncated("an entity key") }
            guard length <= EntityKey.byteCountMax else { throw .badKey(index, "is longer than 1024 bytes") }
            keys.append(Array(bytes[start..<(start + length)]))
            start += length
        }
        guard start == bytes.count else { throw .trailing(bytes.count - start) }
        return keys
    }

    static func write(_ keys: [[UInt8]], into buffer: inout ByteBuffer) throws(WireError) {
        for (index, key) in keys.enumerated() {
            guard key.count <= EntityKey.byteCountMax, let length = UInt16(exactly: key.count) else {
                throw .badKey(index, "is longer than 1024 bytes")
            }
            buffer.writeInteger(length, endianness: .little)
            buffer.writeBytes(key)
        }
    }

    static func write(_ keys: PackedKeys, into buffer: inout ByteBuffer) throws(WireError) {
        try keys.withView { keys throws(WireError) in
            for index in 0..<keys.count {
                let key = keys[index]
                guard key.count <= EntityKey.byteCountMax, let length = UInt16(exactly: key.count) else {
                    throw .badKey(index, "is longer than 1024 bytes")
                }
                buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 2 + key.count) { room in
                    room.storeBytes(of: length.littleEndian, as: UInt16.self)
                    UnsafeMutableRawBufferPointer(rebasing: room[2...]).copyMemory(from: key)
                    return 2 + key.count
                }
            }
        }
    }
}
