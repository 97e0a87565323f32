// From whole numbers to the nearest doubles.

extension NaiveInteger {
    /// This many units of 2^-1074 as the nearest double, ties to even; nil beyond the doubles. Zero is +0.0.
    public var doubleOfUnits: Double? { double(unit: -1074) }

    /// The number as the nearest double, ties to even; nil beyond the doubles.
    public var double: Double? { double(unit: 0) }

    /// This many units of 2^unit as the nearest double, ties to even; nil beyond the doubles. Zero is +0.0, also where
    /// it is what a small number comes to.
    public func double(unit: Int) -> Double? {
        // Keep 53 bits, and none below 2^-1074; the first bit that is dropped and the rest decide the rounding.
        let length = bitCount
        let dropped = max(0, length - 53, -1074 - unit)
        // Not one half of the least double; zero too.
        if dropped > length || length == 0 { return 0 }
        var kept: UInt64 = 0
        for bit in (dropped..<length).reversed() { kept = kept * 2 + (isSet(bit) ? 1 : 0) }
        if dropped > 0, isSet(dropped - 1) {
            let isTie = !(0..<(dropped - 1)).contains { isSet($0) }
            if !isTie || kept % 2 == 1 { kept += 1 }
        }
        // Exact unless it overflows: this many bits are what a double holds.
        let result = Double(sign: isNegative ? .minus : .plus, exponent: dropped + unit, significand: Double(kept))
        guard result.isFinite else { return nil }
        return result == 0 ? 0 : result
    }
}
