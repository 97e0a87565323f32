// Arbitrary-precision integers, written as in school: sign and magnitude, 32-bit digits, least significant first. Slow
// on purpose and shared with nobody: it judges the exact sums of `Windowing`.

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

    /// This many units of 2^-1074 as the nearest double, ties to even; nil beyond the doubles. Zero is +0.0.
    public var doubleOfUnits: Double? {
        guard !digits.isEmpty else { return 0 }
        // Keep 53 bits (fewer when there are fewer); the first bit that is dropped and the rest decide the rounding.
        let length = bitCount
        let dropped = Swift.max(0, length - 53)
        var kept: UInt64 = 0
        for bit in stride(from: length - 1, through: dropped, by: -1) { kept = kept * 2 + (isSet(bit) ? 1 : 0) }
        if dropped > 0, isSet(dropped - 1) {
            var isTie = true
            for bit in 0..<(dropped - 1) where isSet(bit) { isTie = false }
            if !isTie || kept % 2 == 1 { kept += 1 }
        }
        // kept * 2^(dropped - 1074), doubled step by step from the smallest double: exact until it overflows.
        var result = Double(kept) * 0x1p-537 * 0x1p-537
        for _ in 0..<dropped { result *= 2 }
        guard result.isFinite else { return nil }
        return isNegative ? -result : result
    }

    /// The number as the nearest double, ties to even; nil beyond the doubles.
    public var double: Double? { shiftedLeftKeepingSign(1074).doubleOfUnits }

    private func shiftedLeftKeepingSign(_ count: Int) -> NaiveInteger {
        var result = shiftedLeft(count)
        result.isNegative = isNegative
        return result
    }

    private func shiftedLeft(_ count: Int) -> NaiveInteger {
        precondition(count >= 0)
        var result = NaiveInteger()
        var shifted = [UInt32](repeating: 0, count: count / 32)
        var carry: UInt32 = 0
        for digit in digits {
            let wide = UInt64(digit) << UInt64(count % 32) | UInt64(carry)
            shifted.append(UInt32(truncatingIfNeeded: wide))
            carry = UInt32(truncatingIfNeeded: wide >> 32)
        }
        shifted.append(carry)
        result.digits = Self.trimmed(shifted)
        return result
    }

    private var bitCount: Int { digits.isEmpty ? 0 : digits.count * 32 - (digits.last ?? 0).leadingZeroBitCount }

    private func isSet(_ bit: Int) -> Bool { digits[bit / 32] >> UInt32(bit % 32) & 1 == 1 }

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
