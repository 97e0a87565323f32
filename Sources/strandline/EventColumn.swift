// One column of an event file, as the source's field: from Arrow's types, or from the text of a CSV file.

import ArrowTables
import FeatureModel

/// How a column of a file is read as a field.
struct EventColumn {
    enum Form {
        /// Arrow's own type, or what fits into the field's.
        case typed
        /// A whole-number field in a column of doubles, as pandas stores integers with nulls.
        case wholeDoubles
        /// Text that is taken apart.
        case text
        /// Times as numbers: microseconds to one of them.
        case epoch(Int64)
    }

    let field: Field
    let form: Form
    /// Whether times in the column have no zone: they are taken as UTC.
    let lacksZone: Bool
    private let format: TimestampFormat

    /// - Parameters:
    ///   - type: Arrow's word for the column's type.
    ///   - format: what numbers mean in a field of times.
    /// - Throws: a sentence that says what the column holds and what it should.
    init(_ field: Field, type: String, format: TimestampFormat, path: String) throws {
        self.field = field
        self.format = format
        let isInteger = type.hasPrefix("int") || type.hasPrefix("uint")
        let isDouble = ["halffloat", "float", "double"].contains(type)
        let isText = ["string", "large_string", "dictionary<values=string", "dictionary<values=large_string"]
            .contains(where: type.hasPrefix)
        let isTime = type.hasPrefix("timestamp") || type.hasPrefix("date")
        let isNothing = type == "null"
        let form: Form? =
            switch field.type {
            case .int64: isInteger || isNothing ? .typed : isDouble ? .wholeDoubles : isText ? .text : nil
            case .float64: isInteger || isDouble || isNothing ? .typed : isText ? .text : nil
            case .bool: type == "bool" || isNothing ? .typed : isText ? .text : nil
            case .string: isText || isInteger || type == "bool" || isNothing ? .typed : nil
            case .timestamp:
                if isTime || isNothing {
                    .typed
                } else if isText {
                    .text
                } else if isInteger {
                    Self.unit(format).map { .epoch($0) }
                } else {
                    nil
                }
            }
        guard let form else {
            let numbers =
                field.type == .timestamp && isInteger
                ? "; the source's timestamp_format is \(format.rawValue), so numbers have no unit" : ""
            throw Failure(
                .usage,
                "\(path): column '\(field.name)' holds \(type), which is no \(field.type.name)\(numbers). Cast it where the file is written"
            )
        }
        self.form = form
        lacksZone = isTime && !type.contains("tz=")
    }

    private static func unit(_ format: TimestampFormat) -> Int64? {
        switch format {
        case .iso8601: nil
        case .epochSeconds: 1_000_000
        case .epochMilliseconds: 1000
        case .epochMicroseconds: 1
        }
    }

    /// The values of a piece.
    struct Values {
        /// Bits; of strings nothing.
        var slots: [UInt64]
        var isValid: [Bool]
        /// Rows whose value is not one of the field's.
        var bad: [Int] = []
    }

    /// Reads the numbers of a piece; not for strings.
    ///
    /// - Parameter column: its place in the piece.
    func values(of piece: Table, at column: Int) throws(TableError) -> Values {
        switch (form, field.type) {
        case (.text, _): return try parsed(piece, column)
        case (.wholeDoubles, _): return wholeNumbers(try piece.doubleBits(at: column))
        case (.epoch(let unit), _): return scaled(try piece.int64s(at: column), unit)
        case (.typed, .float64): return Values(doubles: try piece.doubleBits(at: column))
        case (.typed, .bool): return Values(try piece.bools(at: column))
        case (.typed, .timestamp): return Values(try piece.microseconds(at: column))
        case (.typed, _): return Values(try piece.int64s(at: column))
        }
    }

    private func wholeNumbers(_ read: NullableColumn<Int64>) -> Values {
        var values = Values(read)
        for row in read.values.indices where read.isValid[row] {
            let number = Double(bitPattern: values.slots[row])
            if let whole = Int64(exactly: number) {
                values.slots[row] = UInt64(bitPattern: whole)
            } else {
                values.reject(row)
            }
        }
        return values
    }

    private func scaled(_ read: NullableColumn<Int64>, _ unit: Int64) -> Values {
        var values = Values(read)
        for row in read.values.indices where read.isValid[row] {
            let (time, overflow) = read.values[row].multipliedReportingOverflow(by: unit)
            if overflow { values.reject(row) } else { values.slots[row] = UInt64(bitPattern: time) }
        }
        return values
    }

    private func parsed(_ piece: Table, _ column: Int) throws(TableError) -> Values {
        let text = try piece.text(at: column)
        var values = Values(
            slots: Array(repeating: 0, count: text.count),
            isValid: Array(repeating: false, count: text.count)
        )
        for row in 0..<text.count where text.isValid(row) {
            if let slot = slot(of: text.bytes(row)) {
                values.slots[row] = slot
                values.isValid[row] = true
            } else {
                values.reject(row)
            }
        }
        return values
    }

    private func slot(of utf8: UnsafeRawBufferPointer) -> UInt64? {
        switch field.type {
        case .int64: return Int64(String(decoding: utf8, as: UTF8.self)).map { UInt64(bitPattern: $0) }
        case .float64: return Double(String(decoding: utf8, as: UTF8.self)).map { ($0 + 0.0).bitPattern }
        case .bool:
            switch String(decoding: utf8, as: UTF8.self) {
            case "true", "True", "TRUE": return 1
            case "false", "False", "FALSE": return 0
            default: return nil
            }
        case .timestamp:
            guard let unit = Self.unit(format) else {
                return Instant(iso8601: utf8).map { UInt64(bitPattern: $0.microseconds) }
            }
            if let number = Int64(String(decoding: utf8, as: UTF8.self)) {
                let (time, overflow) = number.multipliedReportingOverflow(by: unit)
                return overflow ? nil : UInt64(bitPattern: time)
            }
            return Instant(iso8601: utf8).map { UInt64(bitPattern: $0.microseconds) }
        case .string: return nil
        }
    }
}

extension EventColumn.Values {
    fileprivate init(_ column: NullableColumn<Int64>) {
        slots = column.values.map { UInt64(bitPattern: $0) }
        isValid = column.isValid
    }

    /// -0.0 becomes +0.0: equal numbers have equal bits.
    fileprivate init(doubles column: NullableColumn<Int64>) {
        slots = column.values.map { (Double(bitPattern: UInt64(bitPattern: $0)) + 0.0).bitPattern }
        isValid = column.isValid
    }

    fileprivate mutating func reject(_ row: Int) {
        slots[row] = 0
        isValid[row] = false
        bad.append(row)
    }
}
