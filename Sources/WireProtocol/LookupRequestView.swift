public import FeatureModel

/// A LOOKUP as the server reads it: the fixed fields, and the keys where they stand in the receive buffer. Nothing is
/// allocated.
///
///     try frame.body.withUnsafeReadableBytes { bytes throws(WireError) in
///         let request = try LookupRequestView(bytes, limits: limits)
///         let prepared = ...                                          // by request.lookupID
///         for key in try request.keys(joinKeys: prepared.joinKeyTypes) { ... }
///     }
///
/// It borrows `bytes`: do not let it leave the closure.
@frozen
public struct LookupRequestView {
    /// lookupID, options, asOf, knownAt, count.
    @usableFromInline static let headerByteCount = 25

    public let lookupID: UInt32
    /// nil: the server's now.
    public let asOf: Instant?
    /// nil: the newest visible commit.
    public let knownAt: Instant?
    public let boundary: Boundary
    /// True when the reply carries event times.
    public let wantsEventTimes: Bool
    /// Entities: 1 to `entitiesMax`.
    public let count: Int
    /// nil where the message has none.
    @usableFromInline let requestBytes: UnsafeRawBufferPointer?
    @usableFromInline let keyBytes: UnsafeRawBufferPointer
    /// Microseconds from the receipt of the frame within which the answer is of use; nil: it always is.
    public let deadline: UInt32?

    /// Reads the fixed fields.
    ///
    /// - Throws: `MALFORMED_FRAME` (too short, unknown options, count beyond the bytes that are left), `BAD_REQUEST`
    ///   (boundary, a time without its options bit, a deadline of 0, no entity), `TOO_MANY` (count beyond `entitiesMax`).
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, limits: WireLimits) throws(WireError) {
        guard bytes.count >= Self.headerByteCount else { throw WireError.truncated("the fields of LOOKUP") }
        lookupID = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        let options = ReadOptions(rawValue: bytes[4])
        boundary = try options.check(allowed: 0xdf)
        wantsEventTimes = options.contains(.eventTimes)
        asOf = try Self.time(bytes, at: 5, isGiven: options.contains(.asOfGiven), "asOf")
        knownAt = try Self.time(bytes, at: 13, isGiven: options.contains(.knownAtGiven), "knownAt")
        count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 21, as: UInt32.self)))
        guard count > 0 else { throw WireError.empty("entities") }
        guard count <= limits.entitiesMax else { throw WireError.tooMany(count, "entities", max: limits.entitiesMax) }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount...])
        (requestBytes, deadline, keyBytes) = try Self.split(rest, options, count: count)
        guard keyBytes.count / EntityKeys.byteCountMinEach >= count else {
            throw WireError.truncated("the entity keys")
        }
    }

    /// Checks every key against the join keys' types, in one pass.
    ///
    /// - Throws: `MALFORMED_FRAME` for lengths that contradict the message and for bytes left over, `BAD_ENTITY_KEY`.
    @inlinable
    public func keys(joinKeys: [ValueType]) throws(WireError) -> EntityKeys {
        try EntityKeys(checking: keyBytes, count: count, joinKeys: joinKeys)
    }

    /// Checks the request values against what was prepared, and takes them; `values` has one row an entity then.
    ///
    /// - Throws: see `RequestRows.read`.
    public func requestValues(_ fields: [Field], into values: inout RequestValues) throws(WireError) {
        try RequestRows.read(requestBytes, count: count, fields: fields, into: &values)
    }

    /// Takes what the options say that stands before the keys: the size of the request values, the deadline, the values.
    @inlinable
    static func split(
        _ bytes: UnsafeRawBufferPointer,
        _ options: ReadOptions,
        count: Int
    ) throws(WireError) -> (request: UnsafeRawBufferPointer?, deadline: UInt32?, keys: UnsafeRawBufferPointer) {
        guard !options.isDisjoint(with: [.requestValues, .deadlineGiven]) else { return (nil, nil, bytes) }
        var rest = bytes
        let size = options.contains(.requestValues) ? Int(try field(&rest, "the size of the request values")) : nil
        let deadline = options.contains(.deadlineGiven) ? try field(&rest, "the deadline") : nil
        guard deadline != 0 else { throw WireError.noTimeLeft() }
        guard let size else { return (nil, deadline, rest) }
        // A value has at least its type, and a row at least one value.
        guard size >= count, size <= rest.count else { throw WireError.truncated("the request values") }
        return (
            UnsafeRawBufferPointer(rebasing: rest[..<size]), deadline, UnsafeRawBufferPointer(rebasing: rest[size...])
        )
    }

    @inlinable
    static func field(_ rest: inout UnsafeRawBufferPointer, _ name: StaticString) throws(WireError) -> UInt32 {
        guard rest.count >= 4 else { throw WireError.truncated(name) }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[4...]) }
        return UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self))
    }

    @inlinable
    static func time(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int,
        isGiven: Bool,
        _ field: StaticString
    ) throws(WireError) -> Instant? {
        let microseconds = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        if isGiven { return Instant(microseconds: microseconds) }
        guard microseconds == 0 else { throw WireError.timeNotGiven(field) }
        return nil
    }
}
