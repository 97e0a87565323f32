// Functions of values as values: which ones there are, and how often. Two values are one when their bits are.

import FeatureModel

extension NaiveOracle {
    /// The first `most` distinct values in the order of their first appearance.
    static func firstDistinct(_ values: [FeatureValue], _ most: Int) -> [FeatureValue] {
        var seen: Set<[UInt8]> = []
        var distinct: [FeatureValue] = []
        for value in values where seen.insert(bytes(of: value)).inserted { distinct.append(value) }
        return Array(distinct.prefix(most))
    }

    /// How often each value occurs, values ascending; nil (OVERFLOW) when there are more of them than `max_distinct`.
    static func counts(_ values: [FeatureValue], _ parameters: FunctionParameters) -> [FeatureValue.Entry]? {
        var counts: [[UInt8]: Int64] = [:]
        for value in values { counts[bytes(of: value), default: 0] += 1 }
        guard counts.count <= parameters.maxDistinct ?? FunctionParameters.maxDistinctDefault else { return nil }
        return firstDistinct(values, values.count).sorted(by: isLess).map { value in
            FeatureValue.Entry(key: value, value: .int64(counts[bytes(of: value)] ?? 0))
        }
    }

    /// The `most` most frequent values, the most frequent first, equally frequent ones ascending.
    static func mostFrequent(_ counts: [FeatureValue.Entry], _ most: Int) -> [FeatureValue] {
        let ordered = counts.sorted { a, b in
            isLess(b.value, a.value) || (a.value == b.value && isLess(a.key, b.key))
        }
        return ordered.prefix(most).map(\.key)
    }

    /// The order of values of one type.
    static func isLess(_ a: FeatureValue, _ b: FeatureValue) -> Bool {
        switch (a, b) {
        case (.int64(let x), .int64(let y)): x < y
        case (.float64(let x), .float64(let y)): x < y
        case (.timestamp(let x), .timestamp(let y)): x.microseconds < y.microseconds
        case (.bool(let x), .bool(let y)): !x && y
        case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
        default: preconditionFailure("\(a) and \(b) have no order")
        }
    }

    /// The bytes that a value is: UTF-8, or 8 bytes with the least significant first.
    static func bytes(of value: FeatureValue) -> [UInt8] {
        switch value {
        case .int64(let number): bytes(UInt64(bitPattern: number))
        case .timestamp(let instant): bytes(UInt64(bitPattern: instant.microseconds))
        case .float64(let number): bytes(number.bitPattern)
        case .bool(let flag): bytes(flag ? 1 : 0)
        case .string(let text): Array(text.utf8)
        case .null, .list, .map: preconditionFailure("\(value) is in no column")
        }
    }

    private static func bytes(_ slot: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: slot >> UInt64(8 * $0)) }
    }
}
