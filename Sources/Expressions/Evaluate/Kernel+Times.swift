// Parts of timestamps, UTC, in the proleptic Gregorian calendar; defined for every int64 of microseconds.

private let microsecondsPerDay: Int64 = 86_400_000_000

extension Kernel {
    @inline(__always) private static func part(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (Int64) -> Int64
    ) {
        map(a, out, count) { (microseconds: Int64) in body(microseconds) }
    }

    @inline(__always) private static func datePart(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (CivilDate) -> Int64
    ) {
        part(a, out, count) { body(CivilDate(dayNumber: floorDivide($0, microsecondsPerDay).quotient)) }
    }

    static func timePart(_ operation: Operation, _ a: Lanes, _ out: Target, _ count: Int) {
        switch operation {
        case .year: datePart(a, out, count) { $0.year }
        case .quarter: datePart(a, out, count) { ($0.month + 2) / 3 }
        case .month: datePart(a, out, count) { $0.month }
        case .dayOfMonth: datePart(a, out, count) { $0.day }
        case .dayOfYear: datePart(a, out, count) { $0.dayOfYear }
        case .dayOfWeek: part(a, out, count) { weekday($0) }
        case .isoDayOfWeek:
            part(a, out, count) { microseconds in
                let day = weekday(microseconds)
                return day == 0 ? 7 : day
            }
        case .hour: part(a, out, count) { floorDivide($0, microsecondsPerDay).remainder / 3_600_000_000 }
        case .minute: part(a, out, count) { floorDivide($0, 3_600_000_000).remainder / 60_000_000 }
        default: part(a, out, count) { floorDivide($0, 60_000_000).remainder / 1_000_000 }
        }
    }

    /// Sunday 0 ... Saturday 6; day 0, 1970-01-01, was a Thursday.
    @inline(__always) private static func weekday(_ microseconds: Int64) -> Int64 {
        floorDivide(floorDivide(microseconds, microsecondsPerDay).quotient + 4, 7).remainder
    }

    /// The start of the unit that holds the instant; overflow where that start lies before the least timestamp.
    static func truncate(_ operation: Operation, _ a: Lanes, _ out: Target, _ count: Int) {
        switch operation {
        case .truncateToSecond: cut(a, out, count) { floorDivide($0, 1_000_000).remainder }
        case .truncateToMinute: cut(a, out, count) { floorDivide($0, 60_000_000).remainder }
        case .truncateToHour: cut(a, out, count) { floorDivide($0, 3_600_000_000).remainder }
        case .truncateToDay: cut(a, out, count) { floorDivide($0, microsecondsPerDay).remainder }
        case .truncateToWeek: cutDays(a, out, count) { floorDivide($0 + 3, 7).remainder }
        case .truncateToMonth: cutDays(a, out, count) { CivilDate(dayNumber: $0).day - 1 }
        case .truncateToQuarter:
            cutDays(a, out, count) { dayNumber in
                let date = CivilDate(dayNumber: dayNumber)
                return date.dayOfYear - CivilDate.dayOfYear(month: (date.month - 1) / 3 * 3 + 1, inYear: date.year)
            }
        default: cutDays(a, out, count) { CivilDate(dayNumber: $0).dayOfYear - 1 }
        }
    }

    /// Takes off what `excess` says; the difference may fall off the lower end.
    @inline(__always) private static func cut(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ excess: (Int64) -> Int64
    ) {
        for row in 0..<count {
            let microseconds = Int64(slot: a.values[row])
            let (start, overflow) = microseconds.subtractingReportingOverflow(excess(microseconds))
            out.values[row] = start.slot
            let state = a.states[row]
            out.states[row] = state == State.value && overflow ? State.overflow : state
        }
    }

    /// Takes off the time of day and as many whole days as `excess` says of a day number.
    @inline(__always) private static func cutDays(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ excess: (Int64) -> Int64
    ) {
        cut(a, out, count) { microseconds in
            let (day, time) = floorDivide(microseconds, microsecondsPerDay)
            return excess(day) * microsecondsPerDay + time
        }
    }
}

/// Quotient and remainder with the remainder in `0 ..< divisor`, for a positive divisor.
@inline(__always) func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
