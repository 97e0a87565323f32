// 8-byte slots as unsigned integers that compare like the values they stand for.
//
//   int64, timestamp, bool:   sign bit flipped
//   float64:                  positive: sign bit flipped; negative: all bits flipped

public enum SlotOrder: UInt8, Sendable {
    case integer
    case double

    @usableFromInline static let sign: UInt64 = 1 &<< 63

    /// The key of a slot: keys ascend with the values. One to one, whatever the bits.
    @inlinable
    public func key(_ slot: UInt64) -> UInt64 {
        switch self {
        case .integer: slot ^ Self.sign
        case .double: slot & Self.sign == 0 ? slot ^ Self.sign : ~slot
        }
    }

    /// The slot of a key.
    @inlinable
    public func slot(_ key: UInt64) -> UInt64 {
        switch self {
        case .integer: key ^ Self.sign
        case .double: key & Self.sign == 0 ? ~key : key ^ Self.sign
        }
    }
}
