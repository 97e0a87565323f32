// Columns as C sees them. Nothing is copied but text, whose bytes C wants side by side.

import CArrow
import FeatureModel

extension FeatureColumn {
    /// Lends the column to C for the call.
    func withCColumn<Result>(_ body: (UnsafePointer<CArrowColumn>) -> Result) -> Result {
        name.withCString { name in
            var column = CArrowColumn()
            column.name = name
            column.rows = Int64(count)
            return isValid.withUnsafeValidity { validity in
                switch values {
                case .list(let starts, let elements):
                    return starts.withUnsafeBufferPointer { starts in
                        elements.values.withCValues(elements.isValid) { values in
                            column.shape = CARROW_LIST
                            column.starts = starts.baseAddress
                            column.validity = validity
                            column.values = values
                            return body(&column)
                        }
                    }
                case .map(let starts, let keys, let items):
                    return starts.withUnsafeBufferPointer { starts in
                        keys.withCValues(Array(repeating: true, count: keys.count)) { keys in
                            items.values.withCValues(items.isValid) { values in
                                column.shape = CARROW_MAP
                                column.starts = starts.baseAddress
                                column.validity = validity
                                column.keys = keys
                                column.values = values
                                return body(&column)
                            }
                        }
                    }
                default:
                    return values.withCValues(isValid) { values in
                        column.shape = CARROW_SINGLE
                        column.values = values
                        return body(&column)
                    }
                }
            }
        }
    }
}

extension FeatureColumn.Values {
    /// Lends single values to C; those of lists and maps are lent one by one.
    fileprivate func withCValues<Result>(_ isValid: [Bool], _ body: (CArrowValues) -> Result) -> Result {
        func lend(_ type: CArrowType, _ data: UnsafeRawPointer?, _ offsets: UnsafePointer<Int64>? = nil) -> Result {
            isValid.withUnsafeValidity { validity in
                body(
                    CArrowValues(
                        type: type,
                        count: Int64(isValid.count),
                        data: data,
                        offsets: offsets,
                        validity: validity
                    )
                )
            }
        }
        switch self {
        case .int64(let values): return values.withUnsafeBytes { lend(CARROW_INT64, $0.baseAddress) }
        case .float64(let values): return values.withUnsafeBytes { lend(CARROW_DOUBLE, $0.baseAddress) }
        case .bool(let values): return values.withUnsafeBytes { lend(CARROW_BOOL, $0.baseAddress) }
        // An `Instant` is one frozen `Int64` of microseconds.
        case .timestamp(let values): return values.withUnsafeBytes { lend(CARROW_TIMESTAMP, $0.baseAddress) }
        case .string(let values):
            var bytes: [UInt8] = []
            var offsets: [Int64] = [0]
            offsets.reserveCapacity(values.count + 1)
            for (row, value) in values.enumerated() {
                if isValid[row] { bytes.append(contentsOf: value.utf8) }
                offsets.append(Int64(bytes.count))
            }
            return bytes.withUnsafeBytes { bytes in
                offsets.withUnsafeBufferPointer { lend(CARROW_TEXT, bytes.baseAddress, $0.baseAddress) }
            }
        case .text(let bytes, let offsets):
            return bytes.withUnsafeBytes { bytes in
                offsets.withUnsafeBufferPointer { lend(CARROW_TEXT, bytes.baseAddress, $0.baseAddress) }
            }
        case .list, .map: preconditionFailure("a list of lists, which the column's initializer refuses")
        }
    }
}
