import FeatureHistory
import FeatureModel
import Windowing

/// The cells of all rows of a request, kept until they are written column by column.
///
///     statuses, slots, eventTimes     row after row, one a feature
///     strings                         what the slots of strings, lists and maps point into
struct FeatureTable: Sendable {
    let types: [FeatureType]
    private(set) var statuses: [UInt8] = []
    private(set) var slots: [UInt64] = []
    private(set) var eventTimes: [Int64] = []
    private(set) var strings: [UInt8] = []

    init(types: [FeatureType], rowCount: Int) {
        self.types = types
        statuses.reserveCapacity(types.count * rowCount)
        slots.reserveCapacity(types.count * rowCount)
        eventTimes.reserveCapacity(types.count * rowCount)
    }

    /// Takes the row that was just read.
    mutating func append(_ cells: FeatureCells) {
        let offset = UInt64(strings.count) << 32
        for (cell, type) in types.enumerated() {
            statuses.append(cells.statuses[cell])
            slots.append(type.isVariableSize ? cells.slots[cell] &+ offset : cells.slots[cell])
            eventTimes.append(cells.eventTimes[cell])
        }
        strings.append(contentsOf: cells.strings)
    }

    func hasValue(_ cell: Int) -> Bool { statuses[cell] & FeatureCells.hasValue != 0 }

    func status(_ cell: Int) -> FeatureStatus? { FeatureStatus(rawValue: statuses[cell] & ~FeatureCells.hasValue) }

    /// The bytes of a string, list or map. Only of cells with a value.
    func withBytes<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = Int(slots[cell] >> 32)
        return strings.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start..<(start + Int(slots[cell] & 0xffff_ffff))]))
        }
    }
}
