// Arbitrary-precision integers, written as in school: sign and magnitude, 32-bit digits, least significant first. Slow
// on purpose and shared with nobody: it judges the exact sums, variances and decayed sums of `Windowing`.

/// A whole number of any size.
public struct NaiveInteger: Equatable, Sendable {
    public private(set) var isNegative = false
    /// Without leading zeros; zero has no digits.
    private var digits: [UInt32] = []

    public init() {}

    public init(_ value: Int64) {
        isNegative = value < 0
        digits = Self.trimmed([
            UInt32(truncatingIfNeeded: value.magnitude), UInt32(truncatingIfNeeded: value.magnitude >> 32),
        ])
    }

    /// A finite double as a number of units of 2^-1074: every double is a whole number of them.
    public init(unitsOf value: Double) {
        precondition(value.isFinite)
        guard value != 0 else { return }
        // value = significand * 2^exponent with the significand in [1, 2): 52 places make it whole.
        var whole = value.magnitude
        var places = 0
        while whole != whole.rounded(.towardZero) || whole >= 9_007_199_254_740_992 {
            if whole >= 9_007_199_254_740_992 { whole /= 2; places += 1 } else { whole *= 2; places -= 1 }
        }
        // `whole` is an integer below 2^53 now, and value = whole * 2^places; halving stays exact since it is normal.
        let integer = NaiveInteger(Int64(whole))
        digits = integer.shiftedLeft(places + 1074).digits
        isNegative = value < 0
    }

    public var isZero: Bool { digits.isEmpty }

    public static func + (a: NaiveInteger, b: NaiveInteger) -> NaiveInteger {
        var result = NaiveInteger()
        if a.isNegative == b.isNegative {
            result.digits = sum(a.digits, b.digits)
            result.isNegative = a.isNegative
        } else if isLess(a.digits, b.digits) {
            result.digits = difference(b.digits, a.digits)
            result.isNegative = b.isNegative
        } else {
            result.digits = difference(a.digits, b.digits)
            result.isNegative = a.isNegative
        }
        if result.digits.isEmpty { result.isNegative = false }
        return result
    }

    /// The number as an `Int64`, when it fits.
    public var int64: Int64? {
        guard digits.count <= 2 else { return nil }
        var magnitude: UInt64 = 0
        for (place, digit) in digits.enumerated() { magnitude |= UInt64(digit) << UInt64(32 * place) }
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int64(exactly: magnitude)
    }

    public static func - (a: NaiveInteger, b: NaiveInteger) -> NaiveInteger {
        var negative = b
        negative.isNegative = !b.isNegative && !b.isZero
        return a + negative
    }

    public static func * (a: NaiveInteger, b: NaiveInteger) -> NaiveInteger {
        var digits = [UInt32](repeating: 0, count: a.digits.count + b.digits.count)
        // Doubles in units of 2^-1074 are mostly zeros.
        for (place, digit) in a.digits.enumerated() where digit != 0 {
            var carry: UInt64 = 0
            for (other, factor) in b.digits.enumerated() {
                let total = UInt64(digit) * UInt64(factor) + UInt64(digits[place + other]) + carry
                digits[place + other] = UInt32(truncatingIfNeeded: total)
                carry = total >> 32
            }
            digits[place + b.digits.count] = UInt32(carry)
        }
        var result = NaiveInteger()
        result.digits = trimmed(digits)
        result.isNegative = !result.isZero && a.isNegative != b.isNegative
        return result
    }

    /// Times 2^count.
    public func shiftedLeft(_ count: Int) -> NaiveInteger {
        precondition(count >= 0)
        var shifted = [UInt32](repeating: 0, count: count / 32)
        var carry: UInt32 = 0
        for digit in digits {
            let wide = UInt64(digit) << UInt64(count % 32) | UInt64(carry)
            shifted.append(UInt32(truncatingIfNeeded: wide))
            carry = UInt32(truncatingIfNeeded: wide >> 32)
        }
        shifted.append(carry)
        var result = self
        result.digits = Self.trimmed(shifted)
        return result
    }

    /// Divided by 2^count; what lies behind the point is dropped.
    public func shiftedRight(_ count: Int) -> NaiveInteger {
        precondition(count >= 0)
        var result = NaiveInteger()
        var shifted: [UInt32] = []
        for place in digits.indices.dropFirst(count / 32) {
            let next = place + 1 < digits.count ? digits[place + 1] : 0
            let wide = UInt64(next) << 32 | UInt64(digits[place])
            shifted.append(UInt32(truncatingIfNeeded: wide >> UInt64(count % 32)))
        }
        result.digits = Self.trimmed(shifted)
        result.isNegative = isNegative && !result.isZero
        return result
    }

    var bitCount: Int { digits.isEmpty ? 0 : digits.count * 32 - (digits.last ?? 0).leadingZeroBitCount }

    func isSet(_ bit: Int) -> Bool { digits[bit / 32] >> UInt32(bit % 32) & 1 == 1 }

    private static func trimmed(_ digits: [UInt32]) -> [UInt32] {
        var result = digits
        while result.last == 0 { result.removeLast() }
        return result
    }

    private static func isLess(_ a: [UInt32], _ b: [UInt32]) -> Bool {
        if a.count != b.count { return a.count < b.count }
        for place in a.indices.reversed() where a[place] != b[place] { return a[place] < b[place] }
        return false
    }

    private static func sum(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var carry: UInt64 = 0
        for place in 0..<Swift.max(a.count, b.count) {
            let total = (place < a.count ? UInt64(a[place]) : 0) + (place < b.count ? UInt64(b[place]) : 0) + carry
            result.append(UInt32(truncatingIfNeeded: total))
            carry = total >> 32
        }
        result.append(UInt32(carry))
        return trimmed(result)
    }

    /// `a - b` for `a >= b`.
    private static func difference(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var borrow: Int64 = 0
        for place in a.indices {
            var digit = Int64(a[place]) - (place < b.count ? Int64(b[place]) : 0) - borrow
            borrow = digit < 0 ? 1 : 0
            if digit < 0 { digit += 1 << 32 }
            result.append(UInt32(digit))
        }
        return trimmed(result)
    }
}
