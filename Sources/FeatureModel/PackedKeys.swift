/// Many entity keys side by side: for rows by the hundred thousand, where an array each would cost more than the keys.
public struct PackedKeys: Hashable, Sendable {
    /// The bytes of all keys, one after the other.
    @usableFromInline var bytes: [UInt8] = []
    /// For each key, where it starts in `bytes`; one more for the end.
    @usableFromInline var starts: [Int] = [0]

    public init() {}

    public init(_ keys: [[UInt8]]) {
        reserve(keys.count, byteCount: keys.reduce(0) { $0 + $1.count })
        for key in keys { key.withUnsafeBytes { append($0) } }
    }

    @inlinable public var count: Int { starts.count - 1 }
    /// Of all keys together.
    @inlinable public var byteCount: Int { bytes.count }

    /// Makes room for keys that have `byteCount` bytes together.
    public mutating func reserve(_ count: Int, byteCount: Int) {
        bytes.reserveCapacity(byteCount)
        starts.reserveCapacity(count + 1)
    }

    @inlinable
    public mutating func append(_ key: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: key)
        starts.append(bytes.count)
    }

    /// The keys at some places, in their order.
    public func selecting(_ places: ArraySlice<UInt32>) -> PackedKeys {
        var some = PackedKeys()
        withView { view in
            some.reserve(places.count, byteCount: places.reduce(0) { $0 + view[Int($1)].count })
            for place in places { some.append(view[Int(place)]) }
        }
        return some
    }

    /// Lends the keys.
    @inlinable
    public func withView<Result, Failure: Error>(
        _ body: (PackedKeysView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try starts.withUnsafeBufferPointer { starts throws(Failure) in
            try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
                try body(PackedKeysView(bytes: UnsafeRawBufferPointer(bytes), starts: starts))
            }
        }
    }
}

/// Packed keys, borrowed: valid for the call that lends them.
@frozen
public struct PackedKeysView {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline let starts: UnsafeBufferPointer<Int>

    @inlinable
    init(bytes: UnsafeRawBufferPointer, starts: UnsafeBufferPointer<Int>) {
        self.bytes = bytes
        self.starts = starts
    }

    @inlinable public var count: Int { starts.count - 1 }

    /// A key's bytes. Traps outside of the keys.
    @inlinable
    public subscript(place: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[starts[place]..<starts[place + 1]])
    }

    @inlinable
    public func areEqual(_ a: Int, _ b: Int) -> Bool {
        let (left, right) = (self[a], self[b])
        guard left.count == right.count else { return false }
        var place = 0
        while place + 8 <= left.count {
            let eight = left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            guard eight == right.loadUnaligned(fromByteOffset: place, as: UInt64.self) else { return false }
            place += 8
        }
        while place < left.count {
            guard left[place] == right[place] else { return false }
            place += 1
        }
        return true
    }

    /// Below, equal to or above 0 as key `a` stands before, is equal to or stands behind key `b`, byte by byte.
    @inlinable
    public func order(_ a: Int, _ b: Int) -> Int {
        let (left, right) = (self[a], self[b])
        var place = 0
        while place < left.count, place < right.count {
            if left[place] != right[place] { return Int(left[place]) - Int(right[place]) }
            place += 1
        }
        return left.count - right.count
    }
}
