/// Which events an aggregation covers, counted back from T (less the offset).
///
/// Written `90s`, `5m`, `1h`, `7d`, `2w`, `lifetime`, `50events` or `12x1h`; durations are printed with the largest unit of
/// `s m h d` that divides them, so `24h` and `1d` are one window with one name.
public enum TimeWindow: Hashable, Sendable {
    case sliding(microseconds: Int64)
    case lifetime
    /// The newest events, however long ago they were.
    case events(Int)
    /// Windows of one length that follow each other, the newest one last: a list of values.
    case series(count: Int, step: Int64)

    public static let eventsRange = 1...1_000_000
    public static let seriesRange = 2...1000

    /// One second: windows are event-time intervals, and no producer clock is better than that across machines.
    public static let shortest: Int64 = 1_000_000
    /// Ten years of 365.25 days; longer wants `lifetime`.
    public static let longest: Int64 = 3652 * 86_400_000_000 + 43_200_000_000

    /// Parses the written form. Returns nil for unknown text and for lengths outside 1 s ... 10 years.
    public init?(_ text: String) {
        if text == "lifetime" {
            self = .lifetime
            return
        }
        if text.hasSuffix(Self.eventsSuffix) {
            guard let count = Self.count(text.dropLast(Self.eventsSuffix.count), in: Self.eventsRange) else {
                return nil
            }
            self = .events(count)
            return
        }
        if let cross = text.firstIndex(of: "x") {
            let step = String(text[text.index(after: cross)...])
            guard let count = Self.count(text[..<cross], in: Self.seriesRange),
                let step = Self.microseconds(in: step), step >= Self.shortest,
                step <= Self.longest / Int64(count)
            else { return nil }
            self = .series(count: count, step: step)
            return
        }
        guard let length = Self.microseconds(in: text), length >= Self.shortest, length <= Self.longest else {
            return nil
        }
        self = .sliding(microseconds: length)
    }

    private static let eventsSuffix = "events"

    private static func count(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard text.allSatisfy(\.isASCIIDigit), let count = Int(text), range.contains(count) else { return nil }
        return count
    }

    /// What a window makes of its function's type: a series gives a list.
    public func type(of value: FeatureType) -> FeatureType {
        if case .series = self { .list(of: value.element) } else { value }
    }

    /// How far back from the window's end it reaches, in microseconds; nil where there is no bound.
    public var reach: Int64? {
        switch self {
        case .sliding(let length): length
        case .series(let count, let step): Int64(count) * step
        case .lifetime, .events: nil
        }
    }

    /// Parses a duration such as `500ms`, `90s`, `5m`, `1h`, `7d`, `2w`; nil when it is not one or does not fit.
    public static func microseconds(in text: String) -> Int64? {
        let units: [(String, Int64)] = [
            ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000),
            ("w", 604_800_000_000),
        ]
        guard
            let (suffix, unit) = units.first(where: {
                text.hasSuffix($0.0) && text.dropLast($0.0.count).allSatisfy(\.isASCIIDigit)
            })
        else { return nil }
        guard let count = Int64(text.dropLast(suffix.count)) else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }

    /// Prints a duration with the largest unit that divides it; the inverse of `microseconds(in:)`.
    public static func text(microseconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000),
        ]
        for (suffix, unit) in units where microseconds != 0 && microseconds % unit == 0 {
            return "\(microseconds / unit)\(suffix)"
        }
        return microseconds == 0 ? "0s" : "\(microseconds)us"
    }
}

extension TimeWindow: CustomStringConvertible {
    public var description: String {
        switch self {
        case .lifetime: "lifetime"
        case .sliding(let microseconds): Self.text(microseconds: microseconds)
        case .events(let count): "\(count)events"
        case .series(let count, let step): "\(count)x\(Self.text(microseconds: step))"
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
