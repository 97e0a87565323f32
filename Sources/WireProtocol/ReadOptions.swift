public import FeatureModel

/// The options byte of LOOKUP, VALUES and ROWS.
@frozen
public struct ReadOptions: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var asOfGiven: ReadOptions { ReadOptions(rawValue: 0x01) }
    @inlinable public static var knownAtGiven: ReadOptions { ReadOptions(rawValue: 0x02) }
    @inlinable public static var eventTimes: ReadOptions { ReadOptions(rawValue: 0x04) }
    /// Of ROWS: each row is known at its own T, or at K where that is earlier.
    @inlinable public static var rowTime: ReadOptions { ReadOptions(rawValue: 0x20) }
    @inlinable public static var requestValues: ReadOptions { ReadOptions(rawValue: 0x40) }
    /// A deadline stands before the request values and the keys.
    @inlinable public static var deadlineGiven: ReadOptions { ReadOptions(rawValue: 0x80) }
    @inlinable static var boundaryBits: UInt8 { 0x18 }

    /// The options of a LOOKUP (bits 0-4, 6 and 7), or of a ROWS without bit 0 and with bit 5.
    @inlinable
    public init(
        asOf: Instant?,
        knownAt: Instant?,
        boundary: Boundary,
        eventTimes: Bool,
        rowTime: Bool = false,
        requestValues: Bool = false,
        deadline: Bool = false
    ) {
        rawValue =
            (asOf == nil ? 0 : 0x01) | (knownAt == nil ? 0 : 0x02) | (eventTimes ? 0x04 : 0) | boundary.rawValue << 3
            | (rowTime ? 0x20 : 0) | (requestValues ? 0x40 : 0) | (deadline ? 0x80 : 0)
    }

    /// nil for the two values of bits 3-4 that are not assigned.
    @inlinable public var boundary: Boundary? { Boundary(rawValue: (rawValue & Self.boundaryBits) >> 3) }

    /// - Throws: `MALFORMED_FRAME` for bits outside `allowed`, `BAD_REQUEST` for an unassigned boundary.
    @inlinable
    func check(allowed: UInt8) throws(WireError) -> Boundary {
        guard rawValue & ~allowed == 0 else { throw WireError.unknownBits(rawValue) }
        guard let boundary else { throw WireError.boundary((rawValue & Self.boundaryBits) >> 3) }
        return boundary
    }
}
