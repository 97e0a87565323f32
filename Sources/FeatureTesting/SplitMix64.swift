/// A seeded generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the same seed gives
/// the same test world on every machine.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in `count` times on average.
    public mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// A number in `0..<count`, small ones far more often: the square of a uniform one.
    public mutating func skewed(below count: Int) -> Int {
        let uniform = Double.random(in: 0..<1, using: &self)
        return min(count - 1, Int(uniform * uniform * Double(count)))
    }
}
