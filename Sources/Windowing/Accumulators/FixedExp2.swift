// 2^f for a fraction 0 <= f < 1, to 120 bits and more, in integers only: no libm, the same bits on every machine.
//
//   f:   | 6 bits: a | 6 bits: b | 6 bits: c | 6 bits: d | 104 bits: z < 2^-24 |         fixed point, units of 2^-128
//
//   2^f = A[a] * B[b] * C[c] * D[d] * 2^z          A[i] = 2^(i/2^6), B[i] = 2^(i/2^12), C with 2^18, D with 2^24
//   2^z = 1 + z (L1 + z (L2 + z (L3 + z L4)))      Ln = ln(2)^n / n!; the next term is below 2^-120 * 2^-9
//
// Error, in units of 2^-127 of the value: a root is the integer square root of the one before, off by less than 2; an
// entry of a table is a product of at most six roots, off by less than 6 * 2 + 6; the product of four entries and 2^z by
// less than 4 * 18 + 8 < 2^7, so by 2^-120. Rounding that to a double gives the double nearest to 2^f unless 2^f lies
// within 2^-120 of the middle of two: f = 0 is exact, and for other fractions of integers, where 2^f is irrational,
// chance has it at about 1 in 2^67.

enum FixedExp2 {
    /// Numbers in 1 ..< 2 in units of 2^-127: A, B, C and D, 64 each.
    static let tables: [UInt128] = {
        var roots: [UInt128] = []
        // 2 itself would need another bit: its root is that of 2^127 * 2^127 * 2.
        var square = UInt256(low: 0, high: 1 << 127)
        for _ in 0..<24 {
            let root = floorOfRoot(square)
            roots.append(root)
            square = UInt256(low: root << 127, high: root >> 1)
        }
        return (0..<4).flatMap { table in
            (0..<64).map { index in
                (0..<6).reduce(one) { product, bit in
                    // The highest of the six bits stands for the largest root.
                    index >> (5 - bit) & 1 == 1 ? multiply(product, roots[6 * table + bit]) : product
                }
            }
        }
    }()

    static let one: UInt128 = 1 << 127

    /// ln(2)^n / n! in units of 2^-128.
    private static let l1: UInt128 = 0xb172_17f7_d1cf_79ab << 64 | 0xc9e3_b398_03f2_f6af
    private static let l2: UInt128 = 0x3d7f_7bff_058b_1d50 << 64 | 0xde2d_60dd_92e6_bf95
    private static let l3: UInt128 = 0x0e35_846b_8250_5fc5 << 64 | 0x99d3_b15d_995e_96f7
    private static let l4: UInt128 = 0x0276_556d_f749_cee5 << 64 | 0x3997_7c16_a7dd_58a0

    /// 2^f in units of 2^-127, f in units of 2^-128.
    static func power(_ f: UInt128) -> UInt128 {
        tables.withUnsafeBufferPointer { tables in
            let indices = UInt64(truncatingIfNeeded: f &>> 104)
            let z = f & ((1 &<< 104) &- 1)
            var sum = l3 &+ highProduct(z, l4)
            sum = l2 &+ highProduct(z, sum)
            sum = l1 &+ highProduct(z, sum)
            let ab = multiply(tables[Int(indices &>> 18)], tables[64 &+ Int(indices &>> 12 & 63)])
            let cd = multiply(tables[128 &+ Int(indices &>> 6 & 63)], tables[192 &+ Int(indices & 63)])
            let power = multiply(ab, cd)
            return power &+ highProduct(power, highProduct(z, sum))
        }
    }

    /// The double nearest to a number in units of 2^-127, in 1 ... 2.
    static func rounded(_ power: UInt128) -> Double {
        // No tie to look at: only 1 itself is exact.
        let mantissa = (UInt64(truncatingIfNeeded: power &>> 74) &+ 1) &>> 1
        return Double(bitPattern: 1022 &<< 52 &+ mantissa)
    }

    /// floor(a b / 2^128).
    static func highProduct(_ a: UInt128, _ b: UInt128) -> UInt128 { product(a, b).high }

    /// floor(a b / 2^127), for products below 2.
    static func multiply(_ a: UInt128, _ b: UInt128) -> UInt128 {
        let product = product(a, b)
        return product.high &<< 1 | product.low &>> 127
    }

    private static func product(_ a: UInt128, _ b: UInt128) -> UInt256 {
        let (al, ah) = (UInt128(UInt64(truncatingIfNeeded: a)), UInt128(UInt64(truncatingIfNeeded: a &>> 64)))
        let (bl, bh) = (UInt128(UInt64(truncatingIfNeeded: b)), UInt128(UInt64(truncatingIfNeeded: b &>> 64)))
        let mask = UInt128(UInt64.max)
        let (ll, lh, hl) = (al &* bl, al &* bh, ah &* bl)
        let middle = ll &>> 64 &+ lh & mask &+ hl & mask
        return UInt256(
            low: middle &<< 64 | ll & mask,
            high: ah &* bh &+ lh &>> 64 &+ hl &>> 64 &+ middle &>> 64
        )
    }

    /// The largest number whose square is not above another, bit by bit.
    private static func floorOfRoot(_ square: UInt256) -> UInt128 {
        (0..<128).reversed().reduce(UInt128(0)) { root, bit in
            let candidate = root | 1 << UInt128(bit)
            let power = UInt256(squareOf: candidate)
            let isAbove = power.high != square.high ? power.high > square.high : power.low > square.low
            return isAbove ? root : candidate
        }
    }
}
