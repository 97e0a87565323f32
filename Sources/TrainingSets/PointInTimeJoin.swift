// The point-in-time join: label rows in, feature columns out.
//
//   rows (key, T) --> ordered by (key, T) --> one read an entity and row, at one K --> cells --> columns in row order
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
    public var type: ValueType
    /// As in `FeatureCells`: a status, with the high bit where there is a value.
    public var statuses: [UInt8]
    public var slots: [UInt64]
    /// What string slots refer to.
    public var strings: [UInt8] = []
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
    ///   - isCancelled: asked between entities; true ends the join early with nil.
    /// - Returns: a column a feature, in the plan's order, cells in the order of the rows.
    public func columns(
        for rows: LabelRows,
        knownAt: Instant,
        boundary: Boundary,
        isCancelled: () -> Bool = { false }
    ) throws(StoreError) -> [FeatureCellColumn]? {
        let count = rows.count
        var columns = plan.features.map {
            FeatureCellColumn(
                type: $0.type,
                statuses: Array(repeating: 0, count: count),
                slots: Array(repeating: 0, count: count)
            )
        }
        let order = (0..<count).sorted { a, b in
            let (left, right) = (rows.key(a), rows.key(b))
            if left != right { return left.lexicographicallyPrecedes(right) }
            return (rows.asOf[a], a) < (rows.asOf[b], b)
        }
        let scratch = ReadScratch()
        for row in order {
            if isCancelled() { return nil }
            let point = ReadPoint(asOf: rows.asOf[row], knownAt: knownAt, boundary: boundary)
            let key = Array(rows.key(row))
            try withBytes(of: key) { bytes throws(StoreError) in try store.read(plan, key: bytes, at: point, scratch) }
            for feature in columns.indices { take(feature, of: scratch, row: row, into: &columns[feature]) }
        }
        return columns
    }

    private func take(_ feature: Int, of scratch: ReadScratch, row: Int, into column: inout FeatureCellColumn) {
        let status = scratch.cells.statuses[feature]
        column.statuses[row] = status
        var slot = scratch.cells.slots[feature]
        if column.type == .string, status & FeatureCells.hasValue != 0 {
            let start = Int(slot >> 32)
            slot = UInt64(column.strings.count) << 32 | (slot & 0xffff_ffff)
            column.strings.append(contentsOf: scratch.cells.strings[start..<(start + Int(slot & 0xffff_ffff))])
        }
        column.slots[row] = slot
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
