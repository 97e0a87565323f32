// Whole numbers of any size for oracles that multiply, which `NaiveInteger` cannot. As in school: digits to the base
// 65536, least significant first, of any sign until `carried` puts them in order.

struct SchoolInteger {
    var isNegative: Bool { digits.last == -1 }

    /// In order: all in 0 ..< 65536 except the last, which is -1 for a negative number.
    private var digits: [Int]

    private init(carrying loose: [Int]) {
        digits = []
        var carry = 0
        for digit in loose {
            digits.append((digit + carry) & 0xffff)
            carry = (digit + carry) >> 16
        }
        while carry != 0, carry != -1 {
            digits.append(carry & 0xffff)
            carry >>= 16
        }
        if carry == -1 { digits.append(-1) }
    }

    init(_ value: Int64) {
        self.init(carrying: [Int(value & 0xffff_ffff), Int(value >> 32)].flatMap { [$0 & 0xffff, $0 >> 16] })
    }

    /// A finite double in units of 2^-1074.
    init(unitsOf value: Double) {
        let exponent = value == 0 ? 0 : max(value.exponent, -1022) - 52 + 1074
        let mantissa = Int64(
            value.isZero ? 0 : Double(sign: value.sign, exponent: 0, significand: value.significand) * 0x1p52
        )
        // Subnormals: their significand is in [1, 2) too, so the exponent says how far down they go.
        let down = value.isSubnormal ? Int64(-1022 - Int(value.exponent)) : 0
        self = SchoolInteger(mantissa >> down).shifted(by: Int(exponent))
    }

    static func + (a: SchoolInteger, b: SchoolInteger) -> SchoolInteger {
        var sum = [Int](repeating: 0, count: max(a.digits.count, b.digits.count))
        for (place, digit) in a.digits.enumerated() { sum[place] += digit }
        for (place, digit) in b.digits.enumerated() { sum[place] += digit }
        return SchoolInteger(carrying: sum)
    }

    static prefix func - (a: SchoolInteger) -> SchoolInteger { SchoolInteger(carrying: a.digits.map { -$0 }) }
    static func - (a: SchoolInteger, b: SchoolInteger) -> SchoolInteger { a + -b }

    static func * (a: SchoolInteger, b: SchoolInteger) -> SchoolInteger {
        var product = [Int](repeating: 0, count: a.digits.count + b.digits.count)
        for (i, x) in a.digits.enumerated() where x != 0 {
            for (j, y) in b.digits.enumerated() { product[i + j] += x * y }
        }
        return SchoolInteger(carrying: product)
    }

    func shifted(by places: Int) -> SchoolInteger {
        SchoolInteger(carrying: Array(repeating: 0, count: places / 16) + digits.map { $0 << (places % 16) })
    }

    /// `self * 2^scale` as the nearest double, ties to even; nil beyond the doubles. Zero is +0.0.
    func double(scale: Int) -> Double? {
        if isNegative { return (-self).double(scale: scale).map { $0 == 0 ? 0 : -$0 } }
        let bits = digits.flatMap { digit in (0..<16).map { digit >> $0 & 1 } }
        guard let top = bits.lastIndex(of: 1) else { return 0 }
        // The last place that a double has here, as an index into the bits.
        let last = max(top - 52, -1074 - scale)
        func bit(_ place: Int) -> Int { bits.indices.contains(place) ? bits[place] : 0 }
        var mantissa = 0
        if last <= top {
            for place in stride(from: top, through: last, by: -1) { mantissa = mantissa * 2 + bit(place) }
        }
        let isAboveHalf = last > 1 && bits.prefix(last - 1).contains(1)
        if bit(last - 1) == 1, isAboveHalf || mantissa % 2 == 1 { mantissa += 1 }
        var result = Double(mantissa)
        for _ in 0..<max(0, last + scale) { result *= 2 }
        // A whole number of 2^-1074, so halving is exact.
        for _ in 0..<max(0, -(last + scale)) { result /= 2 }
        return result.isFinite ? result : nil
    }
}
