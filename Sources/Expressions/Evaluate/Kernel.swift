// The loops. Every operation is one of these over at most an evaluator's width of rows, with its arithmetic inlined.
//
//   values   u64 | ...   a slot for every row, also where there is no value: garbage that no operation traps on
//   states   u8 | ...    0 value, 1 null, 2 overflow
//
// Of the states of an ordinary operation's operands the largest is the result's: overflow before null before value.
// What overflows is marked in a second pass that runs only when the first one saw something suspicious.

/// A register to read.
struct Lanes {
    let values: UnsafePointer<UInt64>
    let states: UnsafePointer<UInt8>
}

/// A register to write; never one that is read by the same operation.
struct Target {
    let values: UnsafeMutablePointer<UInt64>
    let states: UnsafeMutablePointer<UInt8>
}

enum State {
    static let value = ExpressionOutcome.value.rawValue
    static let null = ExpressionOutcome.null.rawValue
    static let overflow = ExpressionOutcome.overflow.rawValue
}

/// A type that lives in a slot.
protocol Slotted {
    init(slot: UInt64)
    var slot: UInt64 { get }
}

extension Double: Slotted {
    @inline(__always) init(slot: UInt64) { self.init(bitPattern: slot) }
    @inline(__always) var slot: UInt64 { bitPattern }
}

extension Int64: Slotted {
    @inline(__always) init(slot: UInt64) { self.init(bitPattern: slot) }
    @inline(__always) var slot: UInt64 { UInt64(bitPattern: self) }
}

extension Bool: Slotted {
    @inline(__always) init(slot: UInt64) { self = slot & 1 != 0 }
    @inline(__always) var slot: UInt64 { self ? 1 : 0 }
}

enum Kernel {
    @inline(__always) static func map<A: Slotted, R: Slotted>(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (A) -> R
    ) {
        for row in 0..<count { out.values[row] = body(A(slot: a.values[row])).slot }
        out.states.update(from: a.states, count: count)
    }

    @inline(__always) static func zip<A: Slotted, R: Slotted>(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (A, A) -> R
    ) {
        for row in 0..<count { out.values[row] = body(A(slot: a.values[row]), A(slot: b.values[row])).slot }
        largestState(a, b, out, count)
    }

    @inline(__always) static func largestState(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        for row in 0..<count { out.states[row] = max(a.states[row], b.states[row]) }
    }

    /// Float arithmetic whose result may not be finite.
    @inline(__always) static func zipFinite(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (Double, Double) -> Double
    ) {
        zip(a, b, out, count, body)
        markNotFinite(out, count)
    }

    /// An exponent of all ones carries into the sign bit, so one OR over all rows says whether any row is not finite.
    static func markNotFinite(_ out: Target, _ count: Int) {
        var carries: UInt64 = 0
        for row in 0..<count { carries |= (out.values[row] & 0x7ff0 << 48) &+ (1 << 52) }
        guard carries >> 63 != 0 else { return }
        mark(.overflow, out, count) { !Double(bitPattern: out.values[$0]).isFinite }
    }

    /// Int arithmetic: `body` gives the wrapped result and whether it wrapped.
    @inline(__always) static func zipChecked(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) {
        var hasOverflow = false
        for row in 0..<count {
            let (value, overflow) = body(Int64(slot: a.values[row]), Int64(slot: b.values[row]))
            out.values[row] = value.slot
            hasOverflow = hasOverflow || overflow
        }
        largestState(a, b, out, count)
        guard hasOverflow else { return }
        mark(.overflow, out, count) { body(Int64(slot: a.values[$0]), Int64(slot: b.values[$0])).overflow }
    }

    /// Gives rows that have a value another outcome.
    @inline(__always) static func mark(
        _ outcome: ExpressionOutcome,
        _ out: Target,
        _ count: Int,
        where isMarked: (Int) -> Bool
    ) {
        for row in 0..<count where out.states[row] == State.value && isMarked(row) {
            out.states[row] = outcome.rawValue
        }
    }

    /// Operations that may look at the operand of rows with a value only, such as those on strings. `body` gives the
    /// slot, or nil for overflow.
    @inline(__always) static func mapValues(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (UInt64) -> UInt64?
    ) {
        for row in 0..<count {
            var state = a.states[row]
            if state == State.value {
                if let slot = body(a.values[row]) { out.values[row] = slot } else { state = State.overflow }
            }
            out.states[row] = state
        }
    }

    @inline(__always) static func zipValues(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ body: (UInt64, UInt64) -> UInt64
    ) {
        for row in 0..<count {
            let state = max(a.states[row], b.states[row])
            if state == State.value { out.values[row] = body(a.values[row], b.values[row]) }
            out.states[row] = state
        }
    }

    /// `is not distinct from`: nulls are equal to each other and to nothing else.
    @inline(__always) static func notDistinct(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ isEqual: (UInt64, UInt64) -> Bool
    ) {
        for row in 0..<count {
            let (left, right) = (a.states[row], b.states[row])
            let isSame = left == right && (left != State.value || isEqual(a.values[row], b.values[row]))
            out.values[row] = isSame.slot
            out.states[row] = max(left, right) == State.overflow ? State.overflow : State.value
        }
    }

    /// `greatest` and `least`: nulls are left out. `isBetter` says whether the second one wins.
    @inline(__always) static func extreme(
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ isBetter: (UInt64, UInt64) -> Bool
    ) {
        for row in 0..<count {
            let (left, right) = (a.states[row], b.states[row])
            let takesRight =
                left == State.value && right == State.value
                ? isBetter(a.values[row], b.values[row]) : left == State.null
            out.values[row] = takesRight ? b.values[row] : a.values[row]
            out.states[row] = max(left, right) == State.overflow ? State.overflow : min(left, right)
        }
    }
}
