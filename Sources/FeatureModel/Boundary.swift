/// Which edge of a window belongs to it.
@frozen
public enum Boundary: UInt8, Hashable, Sendable, CaseIterable {
    /// `[T - offset - length, T - offset)`.
    case strict = 0
    /// `(T - offset - length, T - offset]`.
    case inclusive = 1

    public var name: String { self == .strict ? "strict" : "inclusive" }
}
