// The point-in-time join: label rows in, feature columns out.
//
//   rows (key, T) --> ordered by (key, T) --> one read an entity and row, at its K --> cells --> columns in row order
//
// K is one for all rows, or each row's own T: what a lookup at that instant could have answered.
//
// A cell is the same call that answers a lookup as of its T (promise P5). Rows of one entity stand together, so its
// history is fetched once and stays in memory while its rows are served.

public import FeatureHistory
public import FeatureModel
import Windowing

/// The label rows of one request: an entity key and a T each.
public struct LabelRows: Sendable {
    /// The bytes of all keys, one after the other.
    public var keyBytes: [UInt8]
    /// For each row, where its key starts in `keyBytes`; one more for the end.
    public var keyStarts: [Int]
    public var asOf: [Instant]
    /// One row each, for plans that need request values.
    public var request = RequestValues()

    public init() {
        keyBytes = []
        keyStarts = [0]
        asOf = []
    }

    public var count: Int { asOf.count }

    public mutating func append(key: UnsafeRawBufferPointer, asOf: Instant) {
        keyBytes.append(contentsOf: key)
        keyStarts.append(keyBytes.count)
        self.asOf.append(asOf)
    }

    func key(_ row: Int) -> ArraySlice<UInt8> { keyBytes[keyStarts[row]..<keyStarts[row + 1]] }
}

/// One feature's cells for all rows.
public struct FeatureCellColumn: Sendable {
    public var type: FeatureType
    /// As in `FeatureCells`: a status, with the high bit where there is a value.
    public var statuses: [UInt8]
    public var slots: [UInt64]
    /// What the slots of strings, lists and maps refer to.
    public var strings: [UInt8] = []
    /// The newest event that counted, in microseconds, `Int64.min` where none did; empty when they were not asked for.
    public var eventTimes: [Int64] = []
}

/// How a join ended.
public enum JoinOutcome: Sendable {
    /// A column a feature, in the plan's order, cells in the order of the rows.
    case columns([FeatureCellColumn])
    /// The strings, lists and maps are longer than the caller has room for.
    case tooLarge
    case cancelled
}

/// Joins label rows with features. Blocking: cold entities are read from disk; not for an event loop.
public struct PointInTimeJoin {
    private let store: FeatureStore
    private let plan: LookupPlan

    public init(store: FeatureStore, plan: LookupPlan) {
        self.store = store
        self.plan = plan
    }

    /// - Parameters:
    ///   - knownAt: the one K of all rows.
    ///   - rowTime: true: that of each row is its own T, or `knownAt` where that is earlier.
    ///   - eventTimes: true: each cell comes with the time of the newest event that counted.
    ///   - byteCountMax: the most bytes of strings, lists and maps over all rows; beyond it the join ends early.
    ///   - isCancelled: asked between rows; true ends the join early.
    public func columns(
        for rows: LabelRows,
        knownAt: Instant,
        rowTime: Bool = false,
        boundary: Boundary,
        eventTimes: Bool = false,
        byteCountMax: Int,
        isCancelled: () -> Bool = { false }
    ) throws(StoreError) -> JoinOutcome {
        let count = rows.count
        // Slots have 32 bits for a place in `strings`.
        var room = min(byteCountMax, Int(UInt32.max))
        var columns = plan.features.map {
            FeatureCellColumn(
                type: $0.type,
                statuses: Array(repeating: 0, count: count),
                slots: Array(repeating: 0, count: count),
                eventTimes: eventTimes ? Array(repeating: .min, count: count) : []
            )
        }
        let order = (0..<count).sorted { a, b in
            let (left, right) = (rows.key(a), rows.key(b))
            if left != right { return left.lexicographicallyPrecedes(right) }
            return (rows.asOf[a], a) < (rows.asOf[b], b)
        }
        let scratch = ReadScratch()
        scratch.request = rows.request
        for row in order {
            if isCancelled() { return .cancelled }
            let asOf = rows.asOf[row]
            let point = ReadPoint(asOf: asOf, knownAt: rowTime ? min(asOf, knownAt) : knownAt, boundary: boundary)
            let key = Array(rows.key(row))
            try withBytes(of: key) { bytes throws(StoreError) in
                try store.read(plan, key: bytes, at: point, scratch, row: row)
            }
            if scratch.cells.isTooLong { return .tooLarge }
            for feature in columns.indices {
                guard take(feature, of: scratch, row: row, into: &columns[feature], &room) else { return .tooLarge }
            }
        }
        return .columns(columns)
    }

    /// Copies one cell; false when there is no room for its bytes.
    private func take(
        _ feature: Int,
        of scratch: ReadScratch,
        row: Int,
        into column: inout FeatureCellColumn,
        _ room: inout Int
    ) -> Bool {
        let status = scratch.cells.statuses[feature]
        column.statuses[row] = status
        var slot = scratch.cells.slots[feature]
        if column.type.isVariableSize, status & FeatureCells.hasValue != 0 {
            let start = Int(slot >> 32)
            let byteCount = Int(slot & 0xffff_ffff)
            room -= byteCount
            guard room >= 0 else { return false }
            slot = UInt64(column.strings.count) << 32 | UInt64(byteCount)
            column.strings.append(contentsOf: scratch.cells.strings[start..<(start + byteCount)])
        }
        column.slots[row] = slot
        if !column.eventTimes.isEmpty { column.eventTimes[row] = scratch.cells.eventTimes[feature] }
        return true
    }
}

/// `withUnsafeBytes` that passes typed errors on.
private func withBytes(of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void)
    throws(StoreError)
{
    var result: Result<Void, StoreError> = .success(())
    bytes.withUnsafeBytes { raw in
        do throws(StoreError) { try body(raw) } catch { result = .failure(error) }
    }
    try result.get()
}
