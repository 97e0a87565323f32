public import FeatureModel

/// One 8-byte slot and one status byte a cell, as the evaluation leaves them: a row of features for VALUES, a column of
/// rows for COLUMNS. Borrows its memory for one call.
///
/// A slot holds an int64 or microseconds as they are, a float64's bits, 0 or 1 for a bool, and `offset << 32 | length`
/// into `strings` for a string. Slots of cells without a value are not looked at.
@frozen
public struct FeatureCellsView {
    /// `StatusByte.rawValue` of each cell.
    public var statuses: UnsafePointer<UInt8>
    public var slots: UnsafePointer<UInt64>
    /// Newest event that counted, in microseconds, `Int64.min` when none; nil when event times are not wanted.
    public var eventTimes: UnsafePointer<Int64>?
    /// What string slots point into; UTF-8.
    public var strings: UnsafeRawBufferPointer

    @inlinable
    public init(
        statuses: UnsafePointer<UInt8>,
        slots: UnsafePointer<UInt64>,
        eventTimes: UnsafePointer<Int64>? = nil,
        strings: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self.statuses = statuses
        self.slots = slots
        self.eventTimes = eventTimes
        self.strings = strings
    }

    @inlinable
    func hasValue(_ cell: Int) -> Bool { statuses[cell] & StatusByte.valueBit != 0 }

    /// Traps when the slot points outside `strings`: the evaluation made it, not the wire.
    @inlinable
    func string(_ cell: Int) -> UnsafeRawBufferPointer {
        let offset = Int(slots[cell] >> 32)
        return UnsafeRawBufferPointer(rebasing: strings[offset..<(offset + Int(slots[cell] & 0xffff_ffff))])
    }
}

/// The types of a prepared lookup's features, with what follows from them for a row of VALUES. Made once at PREPARE.
@frozen
public struct FeatureLayout: Hashable, Sendable {
    public let types: [ValueType]
    /// Strings have no bound of their own; without them a row has a greatest length.
    public let hasStrings: Bool

    public init(types: [ValueType]) {
        self.types = types
        hasStrings = types.contains(.string)
    }

    /// The most bytes of a row in VALUES, not counting the bytes of strings.
    @inlinable
    public func rowByteCountMax(eventTimes: Bool) -> Int { types.count * (eventTimes ? 17 : 9) }
}
