// Rows as columns, made into the decoded rows that the JSON decoder makes of records.
//
//   column of each field -----> slots | nulls      row by row: a load and a store a field

import FeatureModel

/// Lends rows of columns as decoded rows. For one thread, and not longer than the rows live.
final class ColumnRowDecoder {
    /// Where a field of the plan comes from.
    private enum Origin {
        case time
        case column(Int)
        case absent
    }

    private let plan: SourcePlan
    private let rows: ColumnRows
    private let origins: [Origin]
    /// The first column that a field comes from has its strings here; slots are offsets from it.
    private let base: UnsafeRawPointer
    private let slots: UnsafeMutablePointer<UInt64>
    private var nulls: (UInt64, UInt64) = (0, 0)
    /// Of each column of strings: how far they have been read, in bytes from `base`.
    private var ends: [Int]

    /// - Parameter plan: of a source whose times are epoch_us.
    init(_ plan: SourcePlan, _ rows: ColumnRows) {
        self.plan = plan
        self.rows = rows
        origins = plan.fields.indices.map { field in
            if field == plan.timestampField { return .time }
            let wanted = plan.fields[field]
            let place = rows.columns.firstIndex { $0.field.name == wanted.name && wanted.kind.takes($0.field.type) }
            return place.map { .column($0) } ?? .absent
        }
        slots = .allocate(capacity: max(1, plan.fields.count))
        slots.initialize(repeating: 0, count: max(1, plan.fields.count))
        let starts = rows.columns.compactMap(\.strings.baseAddress)
        base = starts.min() ?? UnsafeRawPointer(slots)
        let first = base
        ends = rows.columns.map { column in column.strings.baseAddress.map { $0 - first } ?? 0 }
    }

    deinit { slots.deallocate() }

    /// A field whose value is no number.
    struct NonFinite { var field: Int }

    /// Decodes a row; they must be decoded in order, each once.
    ///
    /// - Returns: the bytes of the row's strings, and what is wrong with it.
    @inline(__always)
    func decode(_ row: Int) -> (stringBytes: Int, failure: NonFinite?) {
        var stringBytes = 0
        var failure: NonFinite?
        nulls = (0, 0)
        for field in origins.indices {
            switch origins[field] {
            case .time: slots[field] = UInt64(bitPattern: rows.time(row))
            case .absent: setNull(field)
            case .column(let place):
                let isNull = rows.columns[place].isNull(row)
                if isNull { setNull(field) }
                switch rows.columns[place].field.type {
                case .string: slots[field] = UInt64(ends[place]) << 32 | UInt64(length(place, row))
                case .bool: slots[field] = UInt64(rows.columns[place].values[row])
                case .float64:
                    // -0.0 becomes +0.0, as of records.
                    let number = Double(bitPattern: word(place, row)) + 0.0
                    slots[field] = number.bitPattern
                    if !number.isFinite, !isNull, failure == nil { failure = NonFinite(field: field) }
                case .int64, .timestamp: slots[field] = word(place, row)
                }
            }
        }
        for place in ends.indices where rows.columns[place].field.type == .string {
            let length = length(place, row)
            ends[place] += length
            stringBytes += length
        }
        return (stringBytes, failure)
    }

    /// The row that was decoded last.
    @inline(__always)
    var row: DecodedRow { DecodedRow(slots: slots, nulls: nulls, strings: base) }

    @inline(__always)
    private func setNull(_ field: Int) {
        slots[field] = 0
        if field < 64 { nulls.0 |= 1 << UInt64(field) } else { nulls.1 |= 1 << UInt64(field - 64) }
    }

    @inline(__always)
    private func word(_ place: Int, _ row: Int) -> UInt64 {
        UInt64(littleEndian: rows.columns[place].values.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self))
    }

    @inline(__always)
    private func length(_ place: Int, _ row: Int) -> Int {
        Int(UInt32(littleEndian: rows.columns[place].values.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self)))
    }
}

extension DecodedField.Kind {
    /// Whether a column of this type holds such values.
    fileprivate func takes(_ type: ValueType) -> Bool {
        switch self {
        case .value(let own): own == type
        case .time: type == .timestamp
        case .object, .wrapper: false
        }
    }
}
