// The written forms of single values: names, sizes, whole numbers.

import FeatureModel

enum NameRule {
    /// Longest name, in bytes.
    static let byteCountMax = 128

    /// Entities, join keys, columns, views, features: `[A-Za-z_][A-Za-z0-9_]*`.
    case identifier
    /// Projects, sources, services: the same, and `-` after the first letter.
    case dashed

    func allows(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= Self.byteCountMax, first.isLetterOrUnderscore else {
            return false
        }
        return name.utf8.allSatisfy {
            $0.isLetterOrUnderscore || $0.isDigit || (self == .dashed && $0 == UInt8(ascii: "-"))
        }
    }

    /// What a name must look like, for "must ...".
    var requirement: String {
        let letters = self == .dashed ? "letters, digits, '_' and '-'" : "letters, digits and '_'"
        return "begin with a letter or '_', consist of \(letters), and have at most \(Self.byteCountMax) characters"
    }
}

/// Kafka's own rule for topic names.
func isTopicName(_ name: String) -> Bool {
    let allowed = name.utf8.allSatisfy {
        $0.isLetterOrUnderscore || $0.isDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
    return allowed && (1...249).contains(name.utf8.count) && name != "." && name != ".."
}

/// A number of bytes: `1048576`, `64KiB`, `1MiB`, `2GiB` (or `kB`, `MB`, `GB` in powers of 1000); nil for other text.
public func byteCount(in text: String) -> Int? {
    let units: [(String, Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1000), ("MB", 1_000_000),
        ("GB", 1_000_000_000), ("B", 1),
    ]
    let (suffix, unit) = units.first { text.hasSuffix($0.0) } ?? ("", 1)
    guard let count = wholeNumber(in: String(text.dropLast(suffix.count))) else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: unit)
    return overflow ? nil : product
}

/// A whole number of decimal digits without a sign; nil for other text.
func wholeNumber(in text: String) -> Int? {
    text.utf8.allSatisfy(\.isDigit) ? Int(text) : nil
}

/// A duration such as `500ms`, `90s`, `7d`, or `0`; nil for other text.
func duration(in text: String) -> Int64? { text == "0" ? 0 : TimeWindow.microseconds(in: text) }

/// The value of a `default:` for a feature of `type`; nil when the text is not one.
func featureValue(in text: String, type: ValueType) -> FeatureValue? {
    switch type {
    case .int64: Int64(text).map(FeatureValue.int64)
    case .float64: Double(text).flatMap { $0.isFinite ? .float64($0) : nil }
    case .string: .string(text)
    case .bool: text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
    case .timestamp: Instant(iso8601: text).map(FeatureValue.timestamp)
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (48...57).contains(self) }
    fileprivate var isLetterOrUnderscore: Bool { (65...90).contains(self) || (97...122).contains(self) || self == 95 }
}
