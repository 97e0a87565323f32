// What the columns of a batch or a history hold, and which of them tell duplicates apart:
//
//   types    | string | float64 | int64 | ...
//   eventID     ^ id                ^ mark           nil: every event counts
//
// They travel together, so that no batch of a history can be made without.

public import FeatureModel

/// The columns of a source's `event_id` and of the mark that is null for duplicates: see `EventTwins`.
public struct EventIDColumns: Hashable, Sendable {
    private let idColumn: UInt8
    private let markColumn: UInt8

    public init(id: Int, mark: Int) {
        idColumn = UInt8(truncatingIfNeeded: id)
        markColumn = UInt8(truncatingIfNeeded: mark)
    }

    public var id: Int { Int(idColumn) }
    public var mark: Int { Int(markColumn) }
    var idBit: UInt64 { 1 << UInt64(idColumn) }
    var markBit: UInt64 { 1 << UInt64(markColumn) }
}

/// The types of a history's columns, in their order.
public struct ColumnTypes: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
    public let values: [ValueType]
    public var eventID: EventIDColumns?

    public init(_ values: [ValueType], eventID: EventIDColumns? = nil) {
        self.values = values
        self.eventID = eventID
    }

    public init(arrayLiteral elements: ValueType...) { self.init(elements) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { values.count }
    public subscript(index: Int) -> ValueType { values[index] }
}
