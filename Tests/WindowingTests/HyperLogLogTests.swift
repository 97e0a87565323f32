import FeatureTesting
import Testing

@testable import Windowing

@Suite struct HyperLogLogTests {
    static func sketch(_ hashes: some Sequence<UInt64>, _ precision: Int = 12) -> HyperLogLog {
        var sketch = HyperLogLog(precision: precision)
        for hash in hashes { sketch.add(hash: hash) }
        return sketch
    }

    static func hashes(_ values: some Sequence<UInt64>) -> [UInt64] { values.map { StableHash64.hash(slot: $0) } }

    /// The registers, read bit by bit.
    static func registersByOracle(_ hashes: [UInt64], _ precision: Int) -> [Int: Int] {
        var registers: [Int: Int] = [:]
        for hash in hashes {
            let bits = (0..<64).map { hash >> (63 - $0) & 1 }
            let register = bits[..<precision].reduce(0) { 2 * $0 + Int($1) }
            let rank = (bits[precision...].firstIndex(of: 1) ?? 64) - precision + 1
            registers[register] = max(rank, registers[register] ?? 0)
        }
        return registers
    }

    static func registers(_ sketch: HyperLogLog) -> [Int: Int] {
        var registers: [Int: Int] = [:]
        for (register, rank) in sketch.dense.enumerated() where rank > 0 { registers[register] = Int(rank) }
        sketch.sparse.withEntries { entries in
            for entry in entries { registers[Int(entry.key)] = Int(entry.bits & 63) }
        }
        return registers
    }

    /// A program of its own in Python (package xxhash, the same formulas in its doubles) over the slots 0 ..< n.
    static let estimatesByPython: [(Int, Int, Int64)] = [
        (10, 0, 0), (10, 1, 1), (10, 2, 2), (10, 10, 10), (10, 64, 64), (10, 65, 65), (10, 256, 250), (10, 257, 252),
        (10, 1000, 1000), (10, 5000, 5096), (10, 100000, 103141), (12, 0, 0), (12, 1, 1), (12, 2, 2), (12, 10, 10),
        (12, 64, 65), (12, 65, 66), (12, 256, 254), (12, 257, 255), (12, 1000, 1016), (12, 5000, 4860),
        (12, 100000, 100846), (14, 0, 0), (14, 1, 1), (14, 2, 2), (14, 10, 10), (14, 64, 64), (14, 65, 65),
        (14, 256, 254), (14, 257, 255), (14, 1000, 997), (14, 5000, 4975), (14, 100000, 99953), (16, 0, 0), (16, 1, 1),
        (16, 2, 2), (16, 10, 10), (16, 64, 64), (16, 65, 65), (16, 256, 255), (16, 257, 256), (16, 1000, 999),
        (16, 5000, 5017), (16, 100000, 100041),
    ]

    @Test(arguments: estimatesByPython)
    func knownEstimates(precision: Int, count: Int, expected: Int64) {
        let hashes = Self.hashes(0..<UInt64(count))
        #expect(Self.sketch(hashes, precision).estimate == expected)
        #expect(Self.sketch(hashes.reversed() + hashes, precision).estimate == expected)
    }

    @Test func smallSketchesAreSmallAndAllocateNothing() {
        #expect(MemoryLayout<HyperLogLog>.stride <= 64)
        let ten = Self.sketch(Self.hashes(0..<10))
        #expect(ten.sparse.heap.isEmpty && ten.dense.isEmpty && ten.estimate == 10)
    }

    @Test(arguments: TestSeeds.list(100))
    func anyOrderAndGroupingGivesTheSameRegisters(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let precision = Int.random(in: 10...16, using: &random)
        // Around the steps from within the value to sparse to dense.
        let count = [3, 10, 11, 60, 70, 250, 270, 520, 3000].randomElement(using: &random) ?? 0
        let hashes = (0..<count).map { _ in UInt64.random(in: 0 ... .max, using: &random) >> (random.oneIn(9) ? 40 : 0)
        }
        let expected = Self.registersByOracle(hashes, precision)
        let whole = Self.sketch(hashes, precision)
        #expect(Self.registers(whole) == expected, "\(TestSeeds.hint(seed))")
        #expect(whole.dense.isEmpty == (expected.count <= whole.sparseMax))
        var merged = HyperLogLog(precision: precision)
        var rest = (hashes + hashes.prefix(5)).shuffled(using: &random)[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 0...max(1, count / 3), using: &random))
            rest = rest.dropFirst(part.count)
            if random.oneIn(2) {
                merged.merge(Self.sketch(part, precision))
            } else {
                var other = Self.sketch(part, precision)
                other.merge(merged)
                merged = other
            }
        }
        #expect(Self.registers(merged) == expected, "merged, \(TestSeeds.hint(seed))")
        #expect(merged.estimate == whole.estimate)
    }

    @Test(arguments: TestSeeds.list(40))
    func foldingGivesWhatALowerPrecisionCounts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (high, low) = (Int.random(in: 11...16, using: &random), Int.random(in: 10...11, using: &random))
        // Long runs of zeros behind the register's bits: the fold has to look into them.
        let hashes = (0..<Int.random(in: 1...900, using: &random)).map { _ in
            UInt64.random(in: 0 ... .max, using: &random) & (.max << UInt64.random(in: 0..<64, using: &random))
        }
        let other = Self.hashes(5000..<5050)
        var merged = Self.sketch(hashes, high)
        merged.merge(Self.sketch(other, low))
        #expect(merged.precision == min(high, low))
        #expect(
            Self.registers(merged) == Self.registersByOracle(hashes + other, min(high, low)),
            "\(TestSeeds.hint(seed))"
        )
    }

    @Test func theErrorIsWhatItShouldBe() {
        for count in [100, 3_000, 40_000] as [UInt64] {
            var squares = 0.0
            for trial in 0..<100 as Range<UInt64> {
                let start = trial << 32
                let estimate = Double(Self.sketch(Self.hashes(start..<(start + count)), 10).estimate)
                squares += (estimate / Double(count) - 1) * (estimate / Double(count) - 1)
            }
            let error = (squares / 100).squareRoot()
            #expect(error < 1.25 * HyperLogLog(precision: 10).standardError, "\(count): \(error)")
        }
    }

    @Test func theEnds() {
        #expect(HyperLogLog().estimate == 0 && HyperLogLog(precision: 3).precision == 10)
        #expect(HyperLogLog(precision: 99).precision == 16)
        // A hash of zeros has the highest rank; registers full of it are beyond counting, and nothing traps.
        #expect(Self.registers(Self.sketch([0], 12)) == [0: 53])
        var full = HyperLogLog(precision: 10)
        for register in 0..<1024 as Range<UInt64> { full.add(hash: register << 54) }
        #expect(full.estimate == .max)
    }
}
