public import FeatureModel

/// The results of one entity's evaluation: one cell a feature, reused from request to request so that evaluation
/// allocates nothing. Owned by one thread.
public final class FeatureCells {
    /// High bit of a status byte: a value follows.
    public static let hasValue: UInt8 = 0x80

    /// Status (`FeatureStatus.rawValue`), with the high bit set where there is a value.
    public private(set) var statuses: UnsafeMutablePointer<UInt8>
    /// Values as slots; that of a string, list or map is `offset << 32 | length` into `strings`.
    public private(set) var slots: UnsafeMutablePointer<UInt64>
    /// Event time of the newest event that counted; `Int64.min` when none did.
    public private(set) var eventTimes: UnsafeMutablePointer<Int64>
    /// The bytes of strings, and of lists and maps as `FeaturePayload` writes them.
    public var strings: [UInt8] = []
    /// Whether strings, lists and maps went beyond `byteCountMax`: what came after is missing, and the row cannot be used.
    public private(set) var isTooLong = false
    /// More than a reply can carry. One value may still go beyond it, by what its state may hold.
    public static let byteCountMax = 64 << 20
    public private(set) var capacity: Int

    public init(capacity: Int) {
        self.capacity = max(1, capacity)
        statuses = .allocate(capacity: self.capacity)
        slots = .allocate(capacity: self.capacity)
        eventTimes = .allocate(capacity: self.capacity)
    }

    deinit {
        statuses.deallocate()
        slots.deallocate()
        eventTimes.deallocate()
    }

    /// Makes room for `count` cells; what they held is lost.
    public func reserve(_ count: Int) {
        strings.removeAll(keepingCapacity: strings.count <= Self.byteCountMax / 16)
        isTooLong = false
        guard count > capacity else { return }
        statuses.deallocate()
        slots.deallocate()
        eventTimes.deallocate()
        capacity = count
        statuses = .allocate(capacity: count)
        slots = .allocate(capacity: count)
        eventTimes = .allocate(capacity: count)
    }

    @inline(__always)
    func set(_ cell: Int, _ status: FeatureStatus, slot: UInt64?, eventTime: Int64) {
        statuses[cell] = status.rawValue | (slot == nil ? 0 : Self.hasValue)
        slots[cell] = slot ?? 0
        eventTimes[cell] = eventTime
    }

    /// Adds a string's bytes and gives its slot; that of an empty one where there is no room any more.
    public func store(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard hasRoom() else { return 0 }
        let offset = strings.count
        strings.append(contentsOf: bytes)
        return UInt64(offset) << 32 | UInt64(bytes.count)
    }

    private func hasRoom() -> Bool {
        if strings.count > Self.byteCountMax { isTooLong = true }
        return !isTooLong
    }

    /// Stores the bytes that `body` appends.
    func store(_ body: (inout [UInt8]) -> Void) -> UInt64 {
        guard hasRoom() else { return 0 }
        let offset = strings.count
        body(&strings)
        return UInt64(offset) << 32 | UInt64(strings.count - offset)
    }

    /// The value of a cell, for the cold paths.
    public func value(_ cell: Int, type: FeatureType) -> FeatureValue {
        guard statuses[cell] & Self.hasValue != 0 else { return .null }
        let slot = slots[cell]
        if type.isVariableSize {
            let offset = Int(slot >> 32)
            let bytes = strings[offset..<(offset + Int(slot & 0xffff_ffff))]
            guard type.shape != .single else { return .string(String(decoding: bytes, as: UTF8.self)) }
            return bytes.withUnsafeBytes { FeaturePayload.decode($0, type: type) } ?? .null
        }
        return value(slot, type: type.element)
    }

    /// The value of a slot of a single value.
    func value(_ slot: UInt64, type: ValueType) -> FeatureValue {
        switch type {
        case .int64: return .int64(Int64(bitPattern: slot))
        case .float64: return .float64(Double(bitPattern: slot))
        case .bool: return .bool(slot != 0)
        case .timestamp: return .timestamp(Instant(microseconds: Int64(bitPattern: slot)))
        case .string:
            let offset = Int(slot >> 32)
            return .string(String(decoding: strings[offset..<(offset + Int(slot & 0xffff_ffff))], as: UTF8.self))
        }
    }

    public func status(_ cell: Int) -> FeatureStatus? { FeatureStatus(rawValue: statuses[cell] & ~Self.hasValue) }
}
