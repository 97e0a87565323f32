public import FeatureModel

/// The keys region of a LOOKUP or ROWS: each key is a `u16` length, then its bytes.
///
/// A value of this type exists only where the whole region was checked. It borrows the bytes of the message: do not let
/// it leave the closure that lent them.
@frozen
public struct EntityKeys: Sequence {
    /// What one key costs at least: its length field.
    public static let byteCountMinEach = 2

    @usableFromInline let bytes: UnsafeRawBufferPointer
    /// How many keys there are.
    public let count: Int
    @inlinable public var underestimatedCount: Int { count }

    /// Checks `count` keys that fill `bytes`, in one pass: lengths, types against `joinKeys`, nothing left over.
    ///
    /// String bytes are not checked to be UTF-8: such a key is equal to no entity's key.
    ///
    /// - Throws: `MALFORMED_FRAME` for a length that leaves the message or bytes left over; `BAD_ENTITY_KEY` for a key
    ///   longer than `EntityKey.byteCountMax` or of other types.
    @inlinable
    init(checking bytes: UnsafeRawBufferPointer, count: Int, joinKeys: [ValueType]) throws(WireError) {
        var start = 0
        for index in 0..<count {
            guard bytes.count - start >= 2 else { throw WireError.truncated("an entity key") }
            let length = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
            start += 2
            guard bytes.count - start >= length else { throw WireError.truncated("an entity key") }
            guard length <= EntityKey.byteCountMax else { throw WireError.badKey(index, "is longer than 1024 bytes") }
            let end = start + length
            let key = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            var position = 0
            for type in joinKeys {
                guard let component = EntityKey.component(in: key, at: position), component.type == type else {
                    throw WireError.badKey(index, "does not have the join keys' types")
                }
                position += component.byteCount
            }
            guard position == length else { throw WireError.badKey(index, "has more values than there are join keys") }
            start = end
        }
        guard start == bytes.count else { throw WireError.trailing(bytes.count - start) }
        self.bytes = bytes
        self.count = count
    }

    @inlinable public func makeIterator() -> Iterator { Iterator(bytes) }

    /// Gives each key's bytes, as `EntityKey` lays them out.
    @frozen
    public struct Iterator: IteratorProtocol {
        @usableFromInline var rest: UnsafeRawBufferPointer

        @inlinable init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

        @inlinable
        public mutating func next() -> UnsafeRawBufferPointer? {
            guard rest.count >= 2 else { return nil }
            let end = 2 + Int(UInt16(littleEndian: rest.loadUnaligned(as: UInt16.self)))
            let key = UnsafeRawBufferPointer(rebasing: rest[2..<end])
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
            return key
        }
    }
}
