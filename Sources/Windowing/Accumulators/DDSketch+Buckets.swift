// From value to bucket and back, and the bucket that holds a percentile: see `DDSketch` for the layout and the proof.

extension DDSketch {
    @inlinable
    static func key(of x: Double, mantissaBits k: UInt64) -> Int32 {
        let bits = x.bitPattern & (.max &>> 1)
        let index: UInt64
        if bits &>> 52 != 0 {
            // The field of a normal number is e + 1023: 51 fewer than e + 1074.
            index = bits &>> (52 &- k) &+ 51 &<< k
        } else if bits != 0 {
            let highest = UInt64(63 &- bits.leadingZeroBitCount)
            let fraction = bits &<< (52 &- highest) & 0x000f_ffff_ffff_ffff
            index = highest &<< k | fraction &>> (52 &- k)
        } else {
            return 0
        }
        let key = Int32(truncatingIfNeeded: index) &+ 1
        return x < 0 ? 0 &- key : key
    }

    /// The middle of a bucket; the number itself where a bucket is one number.
    static func value(ofKey key: Int32, mantissaBits k: UInt64) -> Double {
        if key == 0 { return 0 }
        let index = UInt64(key.magnitude) - 1
        let exponent = index >> k
        // The mantissa with its highest bit, then a bit that says "the middle": k + 2 bits.
        let mantissa = (1 << k | index & ((1 << k) - 1)) << 1 | 1
        let bits: UInt64
        if exponent >= 52 {
            bits = (exponent - 52) << 52 + mantissa << (51 - k)
        } else {
            // A subnormal: `exponent` is the place of its highest bit. Without room for the middle it is shifted out.
            bits = exponent > k ? mantissa << (exponent - k - 1) : mantissa >> (k + 1 - exponent)
        }
        let magnitude = Double(bitPattern: bits)
        return key < 0 ? -magnitude : magnitude
    }

    /// The value at rank floor(q (n - 1)), counted from 0, of the values in ascending order: its bucket's middle, off
    /// by `relativeError` at most. Nil without values, and unless q lies in 0 ... 1.
    ///
    /// The product is formed exactly: q is a whole number of 2^-s, and the shift by s drops what lies behind the point.
    public func quantile(_ q: Double) -> Double? {
        let count = UInt64(count)
        guard count > 0, q >= 0, q <= 1 else { return nil }
        var rank = Self.rank(q, of: count)
        return buckets.withEntries { entries in
            for entry in entries {
                if rank < entry.count { return Self.value(ofKey: entry.signedKey, mantissaBits: UInt64(mantissaBits)) }
                rank -= entry.count
            }
            return nil
        }
    }

    /// floor(q (count - 1)) for 0 <= q <= 1 and count > 0.
    static func rank(_ q: Double, of count: UInt64) -> UInt64 {
        let field = max(1, q.bitPattern >> 52 & 0x7ff)
        let fraction = q.bitPattern & 0x000f_ffff_ffff_ffff
        let mantissa = q.isNormal ? fraction | 1 << 52 : fraction
        // q = mantissa * 2^-s, and q <= 1 makes s >= 52. The product has at most 117 bits.
        let s = UInt128(1075 - field)
        return UInt64(truncatingIfNeeded: (UInt128(mantissa) * UInt128(count - 1)) >> s)
    }

    /// The sketch that fewer bits would have made: neighbouring buckets together.
    func coarsened(to k: UInt8) -> DDSketch {
        guard k < mantissaBits else { return self }
        var coarse = self
        coarse.mantissaBits = k
        coarse.buckets = SortedEntries()
        let places = Int32(mantissaBits - k)
        buckets.withEntries { entries in
            for entry in entries {
                let key = entry.signedKey
                let magnitude = key == 0 ? 0 : (abs(key) - 1) >> places + 1
                coarse.buckets.insert(Bucket(key: key < 0 ? -magnitude : magnitude, count: entry.count))
            }
        }
        return coarse
    }
}
