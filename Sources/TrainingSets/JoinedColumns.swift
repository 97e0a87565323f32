public import FeatureModel
import Windowing

/// The cells of joined rows, by feature.
///
///     statuses   feature 0: a byte a row | feature 1 | ...        as in `FeatureCells`
///     slots      feature 0: 8 bytes a row | feature 1 | ...
///     times      feature 0: 8 bytes a row | feature 1 | ...       the newest event that counted, when they were asked for
///     strings    feature 0: what its slots refer to | feature 1 | ...
public final class JoinedColumns {
    public let types: [FeatureType]
    /// Rows.
    public let count: Int
    private let statuses: UnsafeMutablePointer<UInt8>
    private let slots: UnsafeMutablePointer<UInt64>
    /// In microseconds, `Int64.min` where no event counted; nil when they were not asked for.
    private let eventTimes: UnsafeMutablePointer<Int64>?
    private var strings: [[UInt8]]
    /// The features of strings, lists and maps.
    private let variable: [Int]
    /// For how many bytes of strings, lists and maps there still is room.
    private var room: Int

    init(types: [FeatureType], count: Int, eventTimes wantsEventTimes: Bool, byteCountMax: Int) {
        self.types = types
        self.count = count
        statuses = .allocate(capacity: max(1, types.count * count))
        statuses.initialize(repeating: 0, count: types.count * count)
        slots = .allocate(capacity: max(1, types.count * count))
        slots.initialize(repeating: 0, count: types.count * count)
        eventTimes = wantsEventTimes ? .allocate(capacity: max(1, types.count * count)) : nil
        eventTimes?.initialize(repeating: .min, count: types.count * count)
        strings = types.map { _ in [] }
        variable = types.indices.filter { types[$0].isVariableSize }
        // Slots have 32 bits for a place in `strings`.
        room = min(byteCountMax, Int(UInt32.max))
    }

    deinit {
        statuses.deallocate()
        slots.deallocate()
        eventTimes?.deallocate()
    }

    /// Copies the cells of a row; false when there is no room for their bytes.
    func take(_ cells: FeatureCells, row: Int) -> Bool {
        var place = row
        for feature in 0..<types.count {
            statuses[place] = cells.statuses[feature]
            slots[place] = cells.slots[feature]
            place += count
        }
        if let eventTimes {
            for feature in 0..<types.count { eventTimes[feature * count + row] = cells.eventTimes[feature] }
        }
        for feature in variable where cells.statuses[feature] & FeatureCells.hasValue != 0 {
            let slot = cells.slots[feature]
            let start = Int(slot >> 32)
            let byteCount = Int(slot & 0xffff_ffff)
            room -= byteCount
            guard room >= 0 else { return false }
            slots[feature * count + row] = UInt64(strings[feature].count) << 32 | UInt64(byteCount)
            strings[feature].append(contentsOf: cells.strings[start..<(start + byteCount)])
        }
        return true
    }

    /// Lends one feature's cells.
    public func withColumn<Result>(
        _ feature: Int,
        _ body: (
            UnsafePointer<UInt8>,
            UnsafePointer<UInt64>,
            _ eventTimes: UnsafePointer<Int64>?,
            _ strings: UnsafeRawBufferPointer
        ) -> Result
    ) -> Result {
        let start = feature * count
        return strings[feature].withUnsafeBytes {
            body(statuses + start, slots + start, eventTimes.map { UnsafePointer($0 + start) }, $0)
        }
    }
}
