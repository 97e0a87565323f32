public import FeatureModel

/// A ROWS as the server reads it: the fixed fields, the times and the keys where they stand in the receive buffer.
///
/// It borrows the bytes: do not let it leave the closure that lent them.
@frozen
public struct RowsRequestView {
    /// lookupID, options, knownAt, count.
    @usableFromInline static let headerByteCount = 17

    public let lookupID: UInt32
    /// nil: the newest visible commit.
    public let knownAt: Instant?
    /// Each row is known at its own T, or at K where that is earlier.
    public let rowTime: Bool
    public let boundary: Boundary
    /// The reply carries the event time of the newest event that counted towards each value.
    public let wantsEventTimes: Bool
    /// Rows: 1 to `rowsMax`.
    public let count: Int
    @usableFromInline let timeBytes: UnsafeRawBufferPointer
    /// nil where the message has none.
    @usableFromInline let requestBytes: UnsafeRawBufferPointer?
    @usableFromInline let keyBytes: UnsafeRawBufferPointer
    /// Microseconds from the receipt of the frame within which the answer is of use; nil: it always is.
    public let deadline: UInt32?

    /// Reads the fixed fields.
    ///
    /// - Throws: `MALFORMED_FRAME` (too short, unknown options, count beyond the bytes that are left), `BAD_REQUEST`
    ///   (boundary, a time without its options bit, a deadline of 0, no row), `TOO_MANY` (count beyond `rowsMax`).
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, limits: WireLimits) throws(WireError) {
        guard bytes.count >= Self.headerByteCount else { throw WireError.truncated("the fields of ROWS") }
        lookupID = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        let options = ReadOptions(rawValue: bytes[4])
        boundary = try options.check(allowed: 0xfe)
        rowTime = options.contains(.rowTime)
        wantsEventTimes = options.contains(.eventTimes)
        knownAt = try LookupRequestView.time(bytes, at: 5, isGiven: options.contains(.knownAtGiven), "knownAt")
        count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 13, as: UInt32.self)))
        guard count > 0 else { throw WireError.empty("rows") }
        guard count <= limits.rowsMax else { throw WireError.tooMany(count, "rows", max: limits.rowsMax) }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount...])
        guard rest.count / (8 + EntityKeys.byteCountMinEach) >= count else {
            throw WireError.truncated("the rows")
        }
        timeBytes = UnsafeRawBufferPointer(rebasing: rest[..<(count * 8)])
        let behindTimes = UnsafeRawBufferPointer(rebasing: rest[(count * 8)...])
        (requestBytes, deadline, keyBytes) = try LookupRequestView.split(behindTimes, options, count: count)
    }

    /// The time of a row. Traps outside `0 ..< count`.
    @inlinable
    public func asOf(_ row: Int) -> Instant {
        precondition(row >= 0 && row < count, "a row of the request")
        let microseconds = timeBytes.loadUnaligned(fromByteOffset: row * 8, as: Int64.self)
        return Instant(microseconds: Int64(littleEndian: microseconds))
    }

    /// Checks every key against the join keys' types, in one pass.
    ///
    /// - Throws: `MALFORMED_FRAME` for lengths that contradict the message and for bytes left over, `BAD_ENTITY_KEY`.
    @inlinable
    public func keys(joinKeys: [ValueType]) throws(WireError) -> EntityKeys {
        try EntityKeys(checking: keyBytes, count: count, joinKeys: joinKeys)
    }

    /// Checks the request values against what was prepared, and takes them; `values` has one row a row then.
    ///
    /// - Throws: see `RequestRows.read`.
    public func requestValues(_ fields: [Field], into values: inout RequestValues) throws(WireError) {
        try RequestRows.read(requestBytes, count: count, fields: fields, into: &values)
    }
}
