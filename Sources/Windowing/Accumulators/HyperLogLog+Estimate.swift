// The estimate: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6. It needs
// no table of corrections and no threshold between two formulas, and only + - * / and square roots, which IEEE 754
// rounds alike everywhere.
//
//   C(k) = how many registers hold the rank k, 0 <= k <= q + 1, q = 64 - p, m = 2^p
//   z    = m σ(C(0)/m) + C(1)/2 + ... + C(q)/2^q + m τ(1 - C(q+1)/m) / 2^q
//   n    = m² / (2 ln 2) / z

extension HyperLogLog {
    /// The estimated number of distinct values, rounded to the nearest integer.
    public var estimate: Int64 {
        let q = 64 - precision
        let m = Double(1 << precision)
        let counts = rankCounts
        var z = m * Self.tau(1 - Double(counts[q + 1]) / m)
        for rank in stride(from: q, through: 1, by: -1) { z = 0.5 * (z + Double(counts[rank])) }
        z += m * Self.sigma(Double(counts[0]) / m)
        let estimate = 0.7213475204444817 * m * m / z
        // Registers that are all full say no more than "very many".
        return estimate < 0x1p62 ? Int64(estimate + 0.5) : .max
    }

    /// The relative standard error of `estimate`.
    public var standardError: Double { 1.04 / Double(1 << precision).squareRoot() }

    /// How many registers hold each rank.
    private var rankCounts: InlineArray<64, Int32> {
        var counts = InlineArray<64, Int32>(repeating: 0)
        if dense.isEmpty {
            counts[0] = Int32(1 << precision) - Int32(sparse.count)
            sparse.withEntries { entries in
                for entry in entries { counts[Int(entry.bits & 63)] += 1 }
            }
            return counts
        }
        // Four tables in turn: neighbours mostly hold the same few ranks, and one counter would wait for itself.
        var lanes = InlineArray<256, Int32>(repeating: 0)
        dense.withUnsafeBufferPointer { ranks in
            for index in ranks.indices { lanes[Int(ranks[index] & 63) &<< 2 | index & 3] &+= 1 }
        }
        for rank in 0..<64 {
            counts[rank] = lanes[4 * rank] + lanes[4 * rank + 1] + lanes[4 * rank + 2] + lanes[4 * rank + 3]
        }
        return counts
    }

    /// x + Σ 2^(k-1) x^(2^k), k from 1, until the sum stands still.
    static func sigma(_ x: Double) -> Double {
        if x == 1 { return .infinity }
        var (x, y, z, previous) = (x, 1.0, x, -1.0)
        while z != previous {
            x *= x
            previous = z
            z += x * y
            y += y
        }
        return z
    }

    /// (1 - x - Σ 2^-k (1 - x^(2^-k))²) / 3, k from 1, until the sum stands still.
    static func tau(_ x: Double) -> Double {
        if x == 0 || x == 1 { return 0 }
        var (x, y, z, previous) = (x, 1.0, 1 - x, -1.0)
        while z != previous {
            x = x.squareRoot()
            previous = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
        }
        return z / 3
    }

    /// The sketch that a lower precision would have made: the register's last bits were the first of the rank's.
    func folded(to lower: Int) -> HyperLogLog {
        let places = precision - lower
        guard places > 0 else { return self }
        var folded = HyperLogLog(precision: lower)
        func fold(_ register: Int, _ rank: Int) {
            let moved = register & ((1 << places) - 1)
            let leading = places - (Int.bitWidth - moved.leadingZeroBitCount)
            folded.put(register >> places, rank: moved == 0 ? places + rank : leading + 1)
        }
        if dense.isEmpty {
            sparse.withEntries { for entry in $0 { fold(Int(entry.key), Int(entry.bits & 63)) } }
        } else {
            for (register, rank) in dense.enumerated() where rank > 0 { fold(register, Int(rank)) }
        }
        return folded
    }
}
