// The double nearest to 2^(r/h), proved by digits: the C library guesses, and the guess moves until
//
//   guess - half a step  <  2^(r/h)  <  guess + half a step        and a bound is below it when log2(bound) < r/h
//
// Both sides of this have binary digits that are found as in school: doubling r/h brings the next one before the point,
// and squaring y doubles log2(y). The first digit that differs decides. No 2^(r/h) but 1 is a fraction, so one does.
//
// y stands between two integers of 128 bits, since its squares do not fit, and a digit that depends on what was cut off
// stops the test. A square doubles the error of 2^-127: after 60 digits, when nearly all is decided, it is about 2^-66.

import Glibc

enum NaiveWeight {
    /// For 0 <= r < h.
    static func weight(_ r: Int64, halfLife h: Int64) -> Double {
        // 2^0 is exact; for all others no bound can be met exactly.
        if r == 0 { return 1 }
        var guess = exp2(Double(r) / Double(h))
        while isBelow(guess.nextUp, guess, r, h) { guess = guess.nextUp }
        while !isBelow(guess.nextDown, guess, r, h) { guess = guess.nextDown }
        return guess
    }

    /// Whether the middle of two neighbouring doubles lies below 2^(r/h).
    private static func isBelow(_ a: Double, _ b: Double, _ r: Int64, _ h: Int64) -> Bool {
        // In units of 2^-127. 2^(r/h) lies between 1 and 2.
        let sum = UInt128(a * 0x1p52) + UInt128(b * 0x1p52)
        if sum < 1 << 53 { return true }
        if sum >= 1 << 54 { return false }
        let middle = sum << 74
        var (low, high) = (middle, middle)
        var fraction = UInt128(r)
        while true {
            fraction *= 2
            let digit = fraction >= UInt128(h)
            if digit { fraction -= UInt128(h) }
            let ofLow = square(&low, cutUp: false)
            let ofHigh = square(&high, cutUp: true)
            precondition(ofLow == ofHigh, "128 bits do not decide on 2^(\(r)/\(h))")
            if ofLow != digit { return digit }
        }
    }

    /// The next digit of log2(y) for 1 <= y < 2 in units of 2^-127; y becomes what its other digits are of.
    private static func square(_ y: inout UInt128, cutUp: Bool) -> Bool {
        let square = y.multipliedFullWidth(by: y)
        // `square.high` is in units of 2^-126 here, and half of it in units of 2^-127.
        let digit = square.high >= 1 << 127
        y = digit ? square.high : square.high << 1 | square.low >> 127
        if cutUp { y += 1 }
        return digit
    }
}
