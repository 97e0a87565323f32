public import FeatureModel

/// A status as it stands in VALUES and COLUMNS: the high bit says that a value follows, the low seven are the status.
@frozen
public struct StatusByte: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var valueBit: UInt8 { 0x80 }

    @inlinable
    public init(_ status: FeatureStatus, hasValue: Bool) {
        rawValue = status.rawValue | (hasValue ? Self.valueBit : 0)
    }

    @inlinable public var hasValue: Bool { rawValue & Self.valueBit != 0 }
    /// nil for a number that is not assigned.
    @inlinable public var status: FeatureStatus? { FeatureStatus(rawValue: rawValue & ~Self.valueBit) }
}
