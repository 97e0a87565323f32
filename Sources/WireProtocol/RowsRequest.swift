public import FeatureModel
public import NIOCore

/// ROWS as the client writes it. The server reads the same bytes with `RowsRequestView`.
public struct RowsRequest: Hashable, Sendable {
    public var lookupID: UInt32
    /// nil: the newest visible commit.
    public var knownAt: Instant?
    /// Each row is known at its own T, or at `knownAt` where that is earlier.
    public var rowTime: Bool
    public var boundary: Boundary
    /// Asks for the event time of the newest event that counted towards each value.
    public var wantsEventTimes: Bool
    /// One time a row.
    public var asOf: [Instant]
    /// For each row the values of PREPARED's request fields; empty where there are none.
    public var requestValues: [[FeatureValue]]
    /// Microseconds from the server's receipt within which the answer is of use, at least 1; nil: it always is.
    public var deadline: UInt32?
    /// One entity key a row, as `EntityKey` encodes it.
    public var keys: PackedKeys

    public init(
        lookupID: UInt32,
        knownAt: Instant? = nil,
        rowTime: Bool = false,
        boundary: Boundary = .strict,
        wantsEventTimes: Bool = false,
        asOf: [Instant],
        requestValues: [[FeatureValue]] = [],
        deadline: UInt32? = nil,
        keys: [[UInt8]]
    ) {
        self.init(
            lookupID: lookupID,
            knownAt: knownAt,
            rowTime: rowTime,
            boundary: boundary,
            wantsEventTimes: wantsEventTimes,
            asOf: asOf,
            requestValues: requestValues,
            deadline: deadline,
            keys: PackedKeys(keys)
        )
    }

    public init(
        lookupID: UInt32,
        knownAt: Instant? = nil,
        rowTime: Bool = false,
        boundary: Boundary = .strict,
        wantsEventTimes: Bool = false,
        asOf: [Instant],
        requestValues: [[FeatureValue]] = [],
        deadline: UInt32? = nil,
        keys: PackedKeys
    ) {
        self.lookupID = lookupID
        self.knownAt = knownAt
        self.rowTime = rowTime
        self.boundary = boundary
        self.wantsEventTimes = wantsEventTimes
        self.asOf = asOf
        self.requestValues = requestValues
        self.deadline = deadline
        self.keys = keys
    }
}

extension RowsRequest: WireMessage {
    public static let type = MessageType.rows

    /// Copies the fields, times and keys; lengths are checked, the keys' types are not.
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        self = try body.withUnsafeReadableBytes { bytes throws(WireError) in
            let view = try RowsRequestView(bytes, limits: limits)
            return RowsRequest(
                lookupID: view.lookupID,
                knownAt: view.knownAt,
                rowTime: view.rowTime,
                boundary: view.boundary,
                wantsEventTimes: view.wantsEventTimes,
                asOf: (0..<view.count).map { view.asOf($0) },
                requestValues: try RequestRows.copy(view.requestBytes, count: view.count),
                deadline: view.deadline,
                keys: try EntityKeys.copy(view.keyBytes, count: view.count)
            )
        }
    }

    /// - Throws: `BAD_REQUEST` when there are not as many times as keys, or a key is too long.
    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard asOf.count == keys.count, let count = UInt32(exactly: keys.count) else {
            throw WireError(.badRequest, "\(asOf.count) times for \(keys.count) entity keys")
        }
        let options = ReadOptions(
            asOf: nil,
            knownAt: knownAt,
            boundary: boundary,
            eventTimes: wantsEventTimes,
            rowTime: rowTime,
            requestValues: !requestValues.isEmpty,
            deadline: deadline != nil
        )
        buffer.writeMultipleIntegers(lookupID, options.rawValue, knownAt?.microseconds ?? 0, count, endianness: .little)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: asOf.count * 8) { room in
            for (row, time) in asOf.enumerated() {
                room.storeBytes(of: time.microseconds.littleEndian, toByteOffset: row * 8, as: Int64.self)
            }
            return asOf.count * 8
        }
        try RequestRows.write(requestValues, count: keys.count, deadline, into: &buffer)
        try EntityKeys.write(keys, into: &buffer)
    }
}
