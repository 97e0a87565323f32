public import FeatureModel

/// One 8-byte slot and one status byte a cell, as the evaluation leaves them: a row of features for VALUES, a column of
/// rows for COLUMNS. Borrows its memory for one call.
///
/// A slot holds an int64 or microseconds as they are, a float64's bits, 0 or 1 for a bool, and `offset << 32 | length`
/// into `strings` for a string, list or map. Slots of cells without a value are not looked at.
@frozen
public struct FeatureCellsView {
    /// `StatusByte.rawValue` of each cell.
    public var statuses: UnsafePointer<UInt8>
    public var slots: UnsafePointer<UInt64>
    /// Newest event that counted, in microseconds, `Int64.min` when none; nil when event times are not wanted.
    public var eventTimes: UnsafePointer<Int64>?
    /// What the slots of strings, lists and maps point into: UTF-8, or what `FeaturePayload` lays out.
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
    func bytes(_ cell: Int) -> UnsafeRawBufferPointer {
        let offset = Int(slots[cell] >> 32)
        return UnsafeRawBufferPointer(rebasing: strings[offset..<(offset + Int(slots[cell] & 0xffff_ffff))])
    }
}

/// How a value stands in a reply.
@frozen
public enum CellForm: UInt8, Sendable {
    /// 8 bytes: the slot as it is.
    case slot
    /// One byte: 0 or 1.
    case flag
    /// `u32` length, then the bytes: strings, lists and maps.
    case bytes

    @inlinable
    public init(_ type: FeatureType) {
        self = type.isVariableSize ? .bytes : type.element == .bool ? .flag : .slot
    }
}

/// The types of a prepared lookup's features, with what follows from them for a row of VALUES. Made once at PREPARE.
@frozen
public struct FeatureLayout: Hashable, Sendable {
    public let types: [FeatureType]
    /// The form of each, so that a row is written without a look at shapes and elements.
    @usableFromInline let forms: [CellForm]
    /// Strings, lists and maps have no bound of their own; without them a row has a greatest length.
    @usableFromInline let hasBytes: Bool

    public init(types: [FeatureType]) {
        self.types = types
        forms = types.map { CellForm($0) }
        hasBytes = forms.contains(.bytes)
    }

    /// The most bytes of a row in VALUES, not counting the bytes of strings, lists and maps.
    @inlinable
    public func rowByteCountMax(eventTimes: Bool) -> Int { types.count * (eventTimes ? 17 : 9) }
}
