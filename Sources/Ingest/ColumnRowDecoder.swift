// Rows as columns, made into the decoded rows that the JSON decoder makes of records.
//
//   column of each field -----> slots | nulls      row by row: a load and a store a field

import FeatureModel

/// Lends rows of columns as decoded rows. For one thread, and not longer than the rows live.
final class ColumnRowDecoder {
    /// Where a field of the plan comes from, and how it is read.
    private enum Form {
        case time
        case absent
        case number
        case double
        case flag
        case text
    }

    /// What a row's field is read by: nothing that has to be held, row by row.
    private struct Origin {
        var form: Form
        var values: UnsafeRawPointer
        var nulls: UnsafeRawPointer?
        /// Of text: its place in `ends`.
        var text = 0
    }

    /// A column of strings: its lengths, and how far they have been read, in bytes from `base`.
    private struct Strings {
        var lengths: UnsafeRawPointer
        var end: Int
    }

    private let rows: ColumnRows
    private let origins: UnsafeMutableBufferPointer<Origin>
    /// Of the columns of strings the first one has them here; slots are offsets from it.
    private let base: UnsafeRawPointer
    private let slots: UnsafeMutablePointer<UInt64>
    private var nulls: (UInt64, UInt64) = (0, 0)
    private let ends: UnsafeMutableBufferPointer<Strings>

    /// - Parameter plan: of a source whose times are epoch_us.
    init(_ plan: SourcePlan, _ rows: ColumnRows) {
        self.rows = rows
        slots = .allocate(capacity: max(1, plan.fields.count))
        slots.initialize(repeating: 0, count: max(1, plan.fields.count))
        let somewhere = UnsafeRawPointer(slots)
        let base = rows.columns.compactMap(\.strings.baseAddress).min() ?? somewhere
        self.base = base
        var strings: [Strings] = []
        var places: [Int: Int] = [:]
        for (place, column) in rows.columns.enumerated() where column.field.type == .string {
            places[place] = strings.count
            strings.append(
                Strings(
                    lengths: column.values.baseAddress ?? somewhere,
                    end: column.strings.baseAddress.map { $0 - base } ?? 0
                )
            )
        }
        let found = plan.fields.indices.map { field in
            if field == plan.timestampField { return Origin(form: .time, values: somewhere) }
            let wanted = plan.fields[field]
            let place = rows.columns.firstIndex { $0.field.name == wanted.name && wanted.kind.takes($0.field.type) }
            guard let place else { return Origin(form: .absent, values: somewhere) }
            let column = rows.columns[place]
            let form: Form =
                switch column.field.type {
                case .string: .text
                case .bool: .flag
                case .float64: .double
                case .int64, .timestamp: .number
                }
            return Origin(
                form: form,
                values: column.values.baseAddress ?? somewhere,
                nulls: column.nulls?.baseAddress,
                text: places[place] ?? 0
            )
        }
        origins = .allocate(capacity: found.count)
        _ = origins.initialize(from: found)
        ends = .allocate(capacity: strings.count)
        _ = ends.initialize(from: strings)
    }

    deinit {
        slots.deallocate()
        origins.deallocate()
        ends.deallocate()
    }

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
            let origin = origins[field]
            let isNull = origin.nulls.map {
                $0.load(fromByteOffset: row >> 3, as: UInt8.self) >> UInt8(row & 7) & 1 != 0
            }
            if isNull ?? false { setNull(field) }
            switch origin.form {
            case .time: slots[field] = UInt64(bitPattern: rows.time(row))
            case .absent: setNull(field)
            case .text:
                let strings = ends[origin.text]
                slots[field] = UInt64(strings.end) << 32 | UInt64(Self.length(strings, row))
            case .flag: slots[field] = UInt64(origin.values.load(fromByteOffset: row, as: UInt8.self))
            case .double:
                // -0.0 becomes +0.0, as of records.
                let number = Double(bitPattern: Self.word(origin, row)) + 0.0
                slots[field] = number.bitPattern
                if !number.isFinite, isNull != true, failure == nil { failure = NonFinite(field: field) }
            case .number: slots[field] = Self.word(origin, row)
            }
        }
        for place in ends.indices {
            let length = Self.length(ends[place], row)
            ends[place].end += length
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
    private static func word(_ origin: Origin, _ row: Int) -> UInt64 {
        UInt64(littleEndian: origin.values.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self))
    }

    @inline(__always)
    private static func length(_ strings: Strings, _ row: Int) -> Int {
        Int(UInt32(littleEndian: strings.lengths.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self)))
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
