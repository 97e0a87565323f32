// XXH64 with seed 0, step by step as its specification lists them (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).

/// XXH64 of an array of bytes.
enum NaiveHash64 {
    private static let primes: [UInt64] = [
        0, 11_400_714_785_074_694_791, 14_029_467_366_897_019_727, 1_609_587_929_392_839_161,
        9_650_029_242_287_828_579, 2_870_177_450_012_600_261,
    ]

    static func hash(_ input: [UInt8]) -> UInt64 {
        var rest = input[...]

        // Step 1 to 3: accumulators over stripes of 32 bytes, and their convergence; a short input has none.
        var acc = primes[5]
        if input.count >= 32 {
            var accumulators = [primes[1] &+ primes[2], primes[2], 0, 0 &- primes[1]]
            while rest.count >= 32 {
                for lane in 0..<4 { accumulators[lane] = round(accumulators[lane], take(8, &rest)) }
            }
            acc = 0
            for (lane, places) in [1, 7, 12, 18].enumerated() { acc &+= rotateLeft(accumulators[lane], places) }
            for accumulator in accumulators { acc = (acc ^ round(0, accumulator)) &* primes[1] &+ primes[4] }
        }

        // Step 4: the length.
        acc &+= UInt64(input.count)

        // Step 5: what is left, in 8 bytes, 4 bytes and single bytes.
        while rest.count >= 8 {
            acc = rotateLeft(acc ^ round(0, take(8, &rest)), 27) &* primes[1] &+ primes[4]
        }
        if rest.count >= 4 { acc = rotateLeft(acc ^ (take(4, &rest) &* primes[1]), 23) &* primes[2] &+ primes[3] }
        while !rest.isEmpty { acc = rotateLeft(acc ^ (take(1, &rest) &* primes[5]), 11) &* primes[1] }

        // Step 6: the final mix.
        acc = (acc ^ (acc >> 33)) &* primes[2]
        acc = (acc ^ (acc >> 29)) &* primes[3]
        return acc ^ (acc >> 32)
    }

    private static func round(_ accumulator: UInt64, _ lane: UInt64) -> UInt64 {
        rotateLeft(accumulator &+ lane &* primes[2], 31) &* primes[1]
    }

    private static func rotateLeft(_ value: UInt64, _ places: Int) -> UInt64 {
        (value << places) | (value >> (64 - places))
    }

    /// The next bytes as a number, the least significant first.
    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> UInt64 {
        var number: UInt64 = 0
        for byte in rest.prefix(count).reversed() { number = number << 8 | UInt64(byte) }
        rest = rest.dropFirst(count)
        return number
    }
}
