public import FeatureModel
public import NIOCore

/// The fixed fields of COLUMNS; `features` columns of `count` cells follow, each written by `writeColumn`.
@frozen
public struct ColumnsHeader: Hashable, Sendable {
    public static let byteCount = 14

    /// The K that was used.
    public var knownAt: Instant
    /// Cells of a column; at most `UInt32.max`.
    public var count: Int
    /// Columns; at most `UInt16.max`.
    public var features: Int

    @inlinable
    public init(knownAt: Instant, count: Int, features: Int) {
        self.knownAt = knownAt
        self.count = count
        self.features = features
    }

    /// Appends the fields. Traps when a count does not fit its field: the server checked both against its limits.
    @inlinable
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(knownAt.microseconds, UInt32(count), UInt16(features), endianness: .little)
    }

    /// The bytes of a column, not counting those of strings, lists and maps.
    @inlinable
    public static func columnByteCount(type: FeatureType, count: Int, eventTimes: Bool = false) -> Int {
        let times = eventTimes ? 8 : 0
        return switch CellForm(type) {
        case .slot: count * (9 + times)
        case .flag: count * (2 + times)
        case .bytes: count * (5 + times)
        }
    }
}

extension ByteBuffer {
    /// Appends one column of COLUMNS: `count` status bytes, then the values, 0 where there is none, then the event
    /// times where `cells` has them.
    @inlinable
    public mutating func writeColumn(_ cells: FeatureCellsView, count: Int, type: FeatureType) {
        writeBytes(UnsafeRawBufferPointer(start: cells.statuses, count: count))
        let form = CellForm(type)
        let width = ColumnsHeader.columnByteCount(type: type, count: count) - count
        writeWithUnsafeMutableBytes(minimumWritableBytes: width) { room in
            switch form {
            case .slot:
                for cell in 0..<count {
                    let slot = cells.hasValue(cell) ? cells.slots[cell] : 0
                    room.storeBytes(of: slot, toByteOffset: cell * 8, as: UInt64.self)
                }
            case .flag:
                for cell in 0..<count { room[cell] = cells.hasValue(cell) && cells.slots[cell] != 0 ? 1 : 0 }
            case .bytes:
                for cell in 0..<count {
                    let length = cells.hasValue(cell) ? UInt32(truncatingIfNeeded: cells.slots[cell]) : 0
                    room.storeBytes(of: length, toByteOffset: cell * 4, as: UInt32.self)
                }
            }
            return width
        }
        if form == .bytes {
            for cell in 0..<count where cells.hasValue(cell) { writeBytes(cells.bytes(cell)) }
        }
        guard let times = cells.eventTimes else { return }
        for cell in 0..<count { writeInteger(times[cell], endianness: .little) }
    }
}
