// Approximate percentiles with a bounded relative error: DDSketch (C. Masson, J. E. Rim, H. K. Lee, 2019), with its
// buckets cut by the bits of a double instead of by a logarithm.
//
//   |x| = 2^e (1 + f):   | e + 1074 | first k bits of f |     the bucket's index; 2^k buckets of one width in a binade
//
//   keys:    ... -index-1 ...   0   ... index+1 ...           negative, zero, positive: ascending like the values
//   entry:   | key + 2^21: 22 bits | count: 42 bits |         sorted; the first 6 within the value: 64 bytes in all
//
// Accuracy. A bucket [L, L + 2^(e-k)) answers with its middle r. For any x in it |x - r| <= 2^(e-k-1), and x >= 2^e, so
// |x - r| / x <= 2^-(k+1): k is the least with 2^-(k+1) <= alpha. None smaller would do: a binade's first bucket holds
// x = 2^e itself, which is off by 2^-(k+1) exactly. Subnormal numbers are numbered by their own highest bit, e from
// -1074 on, and obey the same bound; where fewer than k bits stand below it, a bucket is one number and its own
// answer. (An int64 column adds the nearest doubles, which are off by 2^-53 at most before that.)
//
// Size. A double's exponent has 2098 values, so there are at most 2 * 2098 * 2^k + 1 buckets (268,545 for k = 6), and
// 2^k a binade of the data: amounts from 0.01 to 10,000 lie in 20 binades, 1280 buckets if all are hit.
//
// Counts add up, saturating at 2^42 - 1 a bucket: neither order nor grouping shows in the result.

public struct DDSketch: Sendable {
    @usableFromInline
    struct Bucket: SortedEntry {
        @usableFromInline static let countBits: UInt64 = 42
        @usableFromInline static let countMax: UInt64 = (1 &<< 42) &- 1
        @usableFromInline static let bias: Int32 = 1 &<< 21
        @usableFromInline var bits: UInt64

        @inlinable
        init(bits: UInt64) { self.bits = bits }

        @inlinable
        init(key: Int32, count: UInt64) {
            bits = UInt64(UInt32(bitPattern: key &+ Self.bias)) &<< Self.countBits | count
        }
        @inlinable var key: UInt64 { bits &>> Self.countBits }
        @inlinable var signedKey: Int32 { Int32(truncatingIfNeeded: key) &- Self.bias }
        @inlinable var count: UInt64 { bits & Self.countMax }
        @inlinable static var filler: Bucket { Bucket(bits: 0) }
        @inlinable
        mutating func absorb(_ other: Bucket) { bits &+= min(other.count, Self.countMax &- count) }
    }

    @usableFromInline var buckets: SortedEntries<6, Bucket>
    /// k.
    @usableFromInline var mantissaBits: UInt8

    public static let accuracies = 0.001...0.1

    /// Accuracies (alpha) outside `accuracies` are brought into it.
    public init(accuracy: Double = 0.01) {
        buckets = SortedEntries()
        var bits: UInt8 = 3
        var error = 0x1p-4
        while error > accuracy, bits < 9 {
            error /= 2
            bits += 1
        }
        mantissaBits = bits
    }

    /// The bound on the relative error that is kept: 2^-(k+1).
    public var relativeError: Double { 1 / Double(2 << Int(mantissaBits)) }

    /// How many values were added.
    public var count: Int64 {
        buckets.withEntries { entries in
            var total: UInt64 = 0
            for entry in entries { total += entry.count }
            return Int64(total)
        }
    }

    /// Adds a finite value. Infinities and NaN are left out: ingest refuses them long before.
    @inlinable
    public mutating func add(_ x: Double) {
        guard x.isFinite else { return }
        buckets.insert(Bucket(key: Self.key(of: x, mantissaBits: UInt64(mantissaBits)), count: 1))
    }

    /// Adds all values of another sketch. Of two accuracies the coarser one remains, with what it would have counted.
    public mutating func merge(_ other: DDSketch) {
        if mantissaBits == other.mantissaBits {
            buckets.merge(other.buckets)
        } else {
            let common = min(mantissaBits, other.mantissaBits)
            self = coarsened(to: common)
            buckets.merge(other.coarsened(to: common).buckets)
        }
    }
}
