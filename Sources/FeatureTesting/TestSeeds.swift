import Glibc

/// The seeds that a randomised test runs over.
///
/// `STRANDLINE_SEED=n` runs that one only: what to set is printed with every failure. `STRANDLINE_LONG_TESTS` runs ten
/// times as many.
public enum TestSeeds {
    public static func list(_ count: Int, from first: UInt64 = 1) -> [UInt64] {
        if let text = value("STRANDLINE_SEED"), let seed = UInt64(text) { return [seed] }
        return (0..<UInt64(isLong ? count * 10 : count)).map { first + $0 }
    }

    /// Whether tests are to run whole, as in `make test-long`.
    public static var isLong: Bool { value("STRANDLINE_LONG_TESTS") != nil }

    /// What to say with a failure.
    public static func hint(_ seed: UInt64) -> String { "rerun with STRANDLINE_SEED=\(seed)" }

    private static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
