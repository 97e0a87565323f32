public import FeatureModel

/// Streams of events from a seed: skewed keys, ties, late events, nulls, the ends of the number ranges.
public struct SeededStream: Sendable {
    public struct Shape: Sendable {
        public var types: [ValueType]
        public var entities: Int
        public var partitions: Int
        /// Event times lie in `start ..< start + span`.
        public var start: Int64
        public var span: Int64
        /// Event times are multiples of this: a coarse one makes ties.
        public var grain: Int64
        /// One value in this many is null.
        public var nullsOneIn: Int
        /// Whether numbers go to the ends of their range, so that sums overflow.
        public var isExtreme: Bool
        /// Values of a type are these many, some far more often than others; nil: any value, which hardly comes twice.
        public var alphabet: Int?

        public init(
            types: [ValueType],
            entities: Int = 8,
            partitions: Int = 3,
            start: Int64 = 1_000_000_000_000,
            span: Int64 = 1_000_000,
            grain: Int64 = 1,
            nullsOneIn: Int = 5,
            isExtreme: Bool = false,
            alphabet: Int? = nil
        ) {
            self.types = types
            self.entities = entities
            self.partitions = partitions
            self.start = start
            self.span = span
            self.grain = grain
            self.nullsOneIn = nullsOneIn
            self.isExtreme = isExtreme
            self.alphabet = alphabet
        }
    }

    public let shape: Shape
    private var random: SplitMix64
    /// The next offset of each partition.
    private var offsets: [Int64]
    /// Mostly grows; a late event lies behind it.
    private var front: Int64 = 0
    /// The values there are of each type; empty when any may come.
    private var letters: [ValueType: [FeatureValue]] = [:]

    public init(_ shape: Shape, seed: UInt64) {
        self.shape = shape
        random = SplitMix64(seed: seed)
        offsets = [Int64](repeating: 0, count: shape.partitions)
        guard let alphabet = shape.alphabet else { return }
        for type in ValueType.allCases { letters[type] = (0..<alphabet).map { _ in anyValue(type) } }
    }

    /// The next event and the number of its entity. Positions count up per partition.
    public mutating func next(arrival: Int64 = 0) -> (entity: Int, event: OracleEvent) {
        let partition = Int.random(in: 0..<shape.partitions, using: &random)
        let place = OracleEvent.Place(partition: partition, offset: offsets[partition])
        offsets[partition] += 1
        front = min(shape.span - 1, front + Int64.random(in: 0...max(1, shape.span / 200), using: &random))
        let isLate = random.oneIn(4)
        let time = isLate ? Int64.random(in: 0...front, using: &random) : front
        let event = OracleEvent(
            time: shape.start + time / shape.grain * shape.grain,
            arrival: arrival,
            position: place,
            values: shape.types.map { value($0) }
        )
        return (random.skewed(below: shape.entities), event)
    }

    /// A value of a type, or null.
    public mutating func value(_ type: ValueType) -> FeatureValue {
        if shape.nullsOneIn > 0, random.oneIn(shape.nullsOneIn) { return .null }
        guard let letters = letters[type], !letters.isEmpty else { return anyValue(type) }
        return letters[random.skewed(below: letters.count)]
    }

    private mutating func anyValue(_ type: ValueType) -> FeatureValue {
        switch type {
        case .int64: return .int64(integer())
        case .float64: return .float64(double())
        case .bool: return .bool(Bool.random(using: &random))
        case .timestamp:
            return .timestamp(Instant(microseconds: shape.start + Int64.random(in: 0..<shape.span, using: &random)))
        case .string:
            // Twice the same letter to the reader, in two spellings: two values.
            let words = ["", "a", "b", "\u{dc}bung", "U\u{308}bung", "a longer text than the others", "\u{0}", "🏖"]
            return .string(
                words.randomElement(using: &random).map { $0 + String(Int.random(in: 0..<4, using: &random)) } ?? ""
            )
        }
    }

    private mutating func integer() -> Int64 {
        guard shape.isExtreme else { return Int64.random(in: -1000...1000, using: &random) }
        return switch Int.random(in: 0..<5, using: &random) {
        case 0: Int64.max
        case 1: Int64.min
        case 2: Int64.random(in: .min ... .max, using: &random)
        case 3: 9_007_199_254_740_993
        default: Int64.random(in: -3...3, using: &random)
        }
    }

    private mutating func double() -> Double {
        guard shape.isExtreme else { return Double(Int64.random(in: -100_000...100_000, using: &random)) / 100 }
        return Self.nastyDouble(using: &random)
    }

    /// A finite double of the kind that breaks sums; never -0.0, which ingest turns into +0.0.
    public static func nastyDouble(using random: inout SplitMix64) -> Double {
        let sign: Double = Bool.random(using: &random) ? 1 : -1
        let nasty: Double =
            switch Int.random(in: 0..<10, using: &random) {
            case 0: .leastNonzeroMagnitude
            case 1: .leastNormalMagnitude
            case 2: .greatestFiniteMagnitude
            case 3: 1e308
            case 4: 0x1p53
            case 5: 1
            case 6: 0x1p-1
            case 7: Double(bitPattern: UInt64.random(in: 0..<(1 << 52), using: &random))
            case 8: Double(bitPattern: UInt64.random(in: 0..<(0x7ff << 52), using: &random))
            default: Double(Int64.random(in: 0...1_000_000, using: &random)) / 100
            }
        return nasty == 0 ? 0 : sign * nasty
    }
}
