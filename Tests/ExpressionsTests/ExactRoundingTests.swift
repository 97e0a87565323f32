@testable import Expressions
import FeatureTesting
import Testing

/// The roundings and the remainder against those of the standard library, over doubles of every size.
@Suite("Exact rounding")
struct ExactRoundingTests {
    @Test(arguments: TestSeeds.list(4))
    func everySize(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50_000 {
            let value = Self.double(&random)
            #expect(value.exactFloor == value.rounded(.down), "\(value)")
            #expect(value.exactCeiling == value.rounded(.up), "\(value)")
            #expect(value.exactTruncation == value.rounded(.towardZero), "\(value)")
            #expect(value.exactRounding == value.rounded(.toNearestOrAwayFromZero), "\(value)")
            #expect(value.exactRoundingToEven == value.rounded(.toNearestOrEven), "\(value)")
            let divisor = Self.double(&random)
            let expected = value.truncatingRemainder(dividingBy: divisor)
            let found = value.exactRemainder(dividingBy: divisor)
            #expect(
                found == expected || found.isNaN && expected.isNaN,
                "\(value) % \(divisor): \(found), not \(expected)"
            )
        }
    }

    private static func double(_ random: inout SplitMix64) -> Double {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Double(bitPattern: UInt64.random(in: 0..<(0x7ff << 52), using: &random)) * (random.oneIn(2) ? 1 : -1)
        case 1: Double(Int.random(in: -4000...4000, using: &random)) / 2
        case 2: 0x1p52 + Double(Int.random(in: -3000...3000, using: &random)) / 4
        default: SeededStream.nastyDouble(using: &random)
        }
    }
}
