/// A day number since 1970-01-01 as a date of the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last; 400 years are 146097 days (Howard Hinnant,
/// "chrono-compatible low-level date algorithms").
struct CivilDate {
    let year: Int64
    /// 1 to 12.
    let month: Int64
    /// 1 to 31.
    let day: Int64

    /// Any day number that whole microseconds in an int64 can reach.
    @inline(__always) init(dayNumber: Int64) {
        // Day 0 of the first 400 years is 0000-03-01, which lies 719468 days before 1970-01-01.
        let (era, dayOfEra) = floorDivide(dayNumber + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    /// 1 to 366.
    var dayOfYear: Int64 { Self.dayOfYear(month: month, inYear: year) + day - 1 }

    /// The first day of a month, as a day of the year.
    static func dayOfYear(month: Int64, inYear year: Int64) -> Int64 {
        guard month > 2 else { return month == 1 ? 1 : 32 }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return (153 * (month - 3) + 2) / 5 + (isLeap ? 61 : 60)
    }
}
