// ISO 8601 text <-> Instant, without Foundation.
//
//   2026-11-24T05:06:07.123456Z
//   |date----|T|time-------|zone|
//
// Calendar: proleptic Gregorian. Day numbers follow Howard Hinnant, "chrono-compatible low-level date algorithms"
// (days_from_civil, civil_from_days).

extension Instant {
    @usableFromInline static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Parses an ISO 8601 / RFC 3339 date or date-time.
    ///
    /// Accepted: `YYYY-MM-DD`, or that followed by `T`, `t` or a space, `HH:MM[:SS[.f{1,9}]]` and an optional zone
    /// (`Z`, `z`, `+HH:MM`, `+HHMM`, `+HH`, likewise `-`). Without a zone the time is UTC. Digits beyond microseconds
    /// must be zero: they are refused rather than rounded, since a rounded time could cross a window's edge. Second 60
    /// is refused. Returns nil for anything else.
    public init?(iso8601 text: UnsafeRawBufferPointer) {
        var cursor = DigitCursor(bytes: text)
        guard let year = cursor.digits(4), cursor.take(UInt8(ascii: "-")),
            let month = cursor.digits(2), cursor.take(UInt8(ascii: "-")),
            let day = cursor.digits(2),
            year >= 1, (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, year: year)
        else { return nil }
        var total = Self.dayNumber(year: year, month: month, day: day) * Self.microsecondsPerDay
        if cursor.isAtEnd {
            self.init(microseconds: total)
            return
        }
        guard cursor.takeAny(UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")),
            let hour = cursor.digits(2), hour <= 23, cursor.take(UInt8(ascii: ":")),
            let minute = cursor.digits(2), minute <= 59
        else { return nil }
        total += (hour * 60 + minute) * 60_000_000
        if cursor.take(UInt8(ascii: ":")) {
            guard let second = cursor.digits(2), second <= 59 else { return nil }
            total += second * 1_000_000
            if cursor.takeAny(UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ".")) {
                guard let fraction = cursor.fractionAsMicroseconds() else { return nil }
                total += fraction
            }
        }
        if !cursor.isAtEnd {
            guard let zone = cursor.zoneMinutes(), cursor.isAtEnd else { return nil }
            total -= zone * 60_000_000
        }
        self.init(microseconds: total)
    }

    /// Parses ISO 8601 text; see `init(iso8601:)` over bytes for the accepted forms.
    public init?(iso8601 text: some StringProtocol) {
        var copy = String(text)
        guard let parsed = copy.withUTF8({ Instant(iso8601: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = parsed
    }

    /// `1998-06-30T00:00:00Z`, with three or six fraction digits when they are needed. Instants outside the years 1 to
    /// 9999 print as a number of microseconds with the unit `us`.
    public var iso8601: String {
        let (day, time) = microseconds.quotientAndFloorRemainder(dividingBy: Self.microsecondsPerDay)
        guard day >= Self.dayNumber(year: 1, month: 1, day: 1), day <= Self.dayNumber(year: 9999, month: 12, day: 31)
        else { return "\(microseconds)us" }
        let date = Self.civil(dayNumber: day)
        let seconds = time / 1_000_000
        let fraction = time % 1_000_000
        var text = "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T"
        text += "\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
        if fraction != 0 { text += "." + (fraction % 1000 == 0 ? pad(fraction / 1000, 3) : pad(fraction, 6)) }
        return text + "Z"
    }

    static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func civil(dayNumber: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }

    static func days(inMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension Int64 {
    /// Quotient and remainder with the remainder in `0 ..< divisor`, for a positive divisor.
    func quotientAndFloorRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Reads fixed-width digits from bytes that came from outside: no read passes the end, no digit run overflows.
private struct DigitCursor {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func takeAny(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Bool { take(a) || take(b) || take(c) }

    mutating func digits(_ count: Int) -> Int64? {
        guard bytes.count - index >= count else { return nil }
        var value: Int64 = 0
        for offset in 0..<count {
            let digit = bytes[index + offset] &- 48
            guard digit <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        index += count
        return value
    }

    mutating func fractionAsMicroseconds() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while index < bytes.count, bytes[index] &- 48 <= 9 {
            let digit = Int64(bytes[index] - 48)
            if count < 6 { value = value * 10 + digit } else if digit != 0 { return nil }
            count += 1
            index += 1
            if count > 9 { return nil }
        }
        guard count > 0 else { return nil }
        while count < 6 {
            value *= 10
            count += 1
        }
        return value
    }

    mutating func zoneMinutes() -> Int64? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let sign: Int64
        if take(UInt8(ascii: "+")) { sign = 1 } else if take(UInt8(ascii: "-")) { sign = -1 } else { return nil }
        guard let hours = digits(2), hours <= 23 else { return nil }
        if isAtEnd { return sign * hours * 60 }
        _ = take(UInt8(ascii: ":"))
        guard let minutes = digits(2), minutes <= 59 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
