import FeatureModel

extension NaiveExpression {
    static func string(_ form: String, _ text: String, _ values: [FeatureValue]) throws -> FeatureValue {
        let scalars = Array(text.unicodeScalars)
        var other: [Unicode.Scalar] = []
        if values.count > 1, case .string(let second) = values[1] { other = Array(second.unicodeScalars) }
        func made(_ scalars: some Sequence<Unicode.Scalar>) -> FeatureValue {
            var result = String.UnicodeScalarView()
            result.append(contentsOf: scalars)
            return .string(String(result))
        }
        switch form {
        case "# || #": return made(scalars + other)
        case "length(#)": return .int64(Int64(scalars.count))
        case "lower(#)": return made(scalars.flatMap { $0.properties.lowercaseMapping.unicodeScalars })
        case "upper(#)": return made(scalars.flatMap { $0.properties.uppercaseMapping.unicodeScalars })
        case "starts_with(#, #)": return .bool(scalars.starts(with: other))
        case "ends_with(#, #)": return .bool(scalars.reversed().starts(with: other.reversed()))
        case "contains(#, #)": return .bool((0...scalars.count).contains { scalars[$0...].starts(with: other) })
        case "# like #": return .bool(isLike(scalars[...], other[...]))
        case "# not like #": return .bool(!isLike(scalars[...], other[...]))
        case "substr(#, #)", "substr(#, #, #)":
            guard case .int64(let start) = values[1] else { return .null }
            var length: Int64 = 4_294_967_295
            if values.count > 2, case .int64(let given) = values[2] { length = given }
            for number in [start, length] where number > 4_294_967_295 || number < -4_294_967_296 {
                throw NaiveOverflow()
            }
            // The places from `first` on, or up to it when the length is negative.
            let first = start < 0 ? Int64(scalars.count) + start + 1 : start
            let wanted = length < 0 ? (first + length)..<first : first..<(first + length)
            return made(scalars.enumerated().filter { wanted.contains(Int64($0.offset) + 1) }.map(\.element))
        default: return .string(text)
        }
    }

    private static func isLike(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let step = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if step == "%" { return (text.startIndex...text.endIndex).contains { isLike(text[$0...], rest) } }
        guard let scalar = text.first, step == "_" || step == scalar else { return false }
        return isLike(text.dropFirst(), rest)
    }

    // MARK: times, from their written form

    private static func parts(_ instant: Instant) -> [Int64] {
        instant.iso8601.split { "-T:.Z".contains($0) }.map { Int64($0) ?? 0 }
    }

    /// Sunday 0; counted from a day that is known to be one.
    private static func weekday(_ instant: Instant) -> Int64 {
        guard let sunday = Instant(iso8601: "2000-01-02") else { return 0 }
        let day: Int64 = 86_400_000_000
        let distance = instant.microseconds - sunday.microseconds
        let weeks = 200_000 * 7 * day
        return (distance + weeks) / day % 7
    }

    static func timePart(_ form: String, _ instant: Instant) -> Int64 {
        let parts = parts(instant)
        switch form {
        case "year(#)": return parts[0]
        case "quarter(#)": return [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][Int(parts[1]) - 1]
        case "month(#)": return parts[1]
        case "dayofmonth(#)": return parts[2]
        case "dayofyear(#)":
            guard case .timestamp(let start) = truncated("date_trunc('year', #)", .timestamp(instant)) else { return 0 }
            return (instant.microseconds - start.microseconds) / 86_400_000_000 + 1
        case "dayofweek(#)": return weekday(instant)
        case "isodow(#)": return [7, 1, 2, 3, 4, 5, 6][Int(weekday(instant))]
        case "hour(#)": return parts[3]
        case "minute(#)": return parts[4]
        case "second(#)": return parts[5]
        default: return instant.microseconds
        }
    }

    static func truncated(_ form: String, _ value: FeatureValue) -> FeatureValue {
        guard case .timestamp(let instant) = value else { return .null }
        let text = instant.iso8601
        let unit = form.split(separator: "'")[1]
        let month = Int(parts(instant)[1])
        let quarter = ["01", "04", "07", "10"][(month - 1) / 3]
        let start =
            switch unit {
            case "year": "\(text.prefix(4))-01-01"
            case "quarter": "\(text.prefix(4))-\(quarter)-01"
            case "month": "\(text.prefix(7))-01"
            case "hour": "\(text.prefix(13)):00"
            case "minute": "\(text.prefix(16))"
            case "second": "\(text.prefix(19))"
            default: "\(text.prefix(10))"
            }
        guard let cut = Instant(iso8601: start) else { return .null }
        guard unit == "week" else { return .timestamp(cut) }
        return .timestamp(cut.advanced(by: -86_400_000_000 * ((weekday(cut) + 6) % 7)))
    }
}
