import Windowing

/// One entity in memory. What a lookup looks at first stands first.
struct EntitySlot {
    var identity: StoredIdentity
    var hash: UInt64
    var vectors = KeptVectors()
    /// Whether all events of the entity are here.
    var isComplete: Bool
    /// Read since the clock hand last came by.
    var isReferenced = true
    var isUsed = true
    var events: EntityEvents

    var byteCount: Int { events.byteCount + vectors.byteCount + identity.byteCount }

    /// For warming the cache: reads the first and the last of what a lookup reads of the slot, which may be in two lines.
    @inline(__always)
    func touch() -> Int { identity.touchSelf() &+ (isComplete ? 1 : 0) }

    /// Drops what history has dropped by now.
    mutating func drop(_ retention: Retention) {
        guard retention.horizon > events.horizon else { return }
        events.drop(before: retention.horizon, keeping: retention.kept)
        vectors.forget()
    }

    /// Frees what the entity holds; the slot may be used for another one then.
    mutating func free() {
        events.free()
        vectors.free()
        identity.free()
        isUsed = false
    }
}
