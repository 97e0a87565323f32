public import FeatureModel

/// Label rows: an entity key and a T each.
public struct LabelRows: Sendable {
    public private(set) var keys = PackedKeys()
    public private(set) var asOf: [Instant] = []
    /// One row each, for plans that need request values.
    public var request = RequestValues()

    public init() {}

    /// - Precondition: as many times as keys.
    public init(keys: PackedKeys, asOf: [Instant]) {
        precondition(keys.count == asOf.count, "a T for each key")
        (self.keys, self.asOf) = (keys, asOf)
    }

    public var count: Int { asOf.count }

    public mutating func reserve(_ count: Int) {
        // Most keys are one integer.
        keys.reserve(count, byteCount: count * 9)
        asOf.reserveCapacity(count)
    }

    public mutating func append(key: UnsafeRawBufferPointer, asOf: Instant) {
        keys.append(key)
        self.asOf.append(asOf)
    }
}
