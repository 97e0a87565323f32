// Byte strings in one array, with entries that find and compare them.
//
//   bytes:    | Berlin | Paris | Rome | ...          appended to; what no entry names any more is waste
//   entry:    | first 8 bytes, big endian | offset | length | count |
//
// Strings compare as bytes, the shorter of two first when one begins with the other: the order of UTF-8 by code point.
// The first eight bytes as a number settle most comparisons without a look at `bytes`.

struct StringEntry: BitwiseCopyable, Sendable {
    var prefix: UInt64
    var offset: Int
    var length: Int
    var count: Int64

    /// The string, in the bytes that the entry was made for.
    func string(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
    }
}

struct StringTable: Sendable {
    private(set) var bytes: [UInt8] = []
    private var wasteCount = 0

    static func prefix(of string: UnsafeRawBufferPointer) -> UInt64 {
        if string.count >= 8 { return UInt64(bigEndian: string.loadUnaligned(as: UInt64.self)) }
        var prefix: UInt64 = 0
        for index in 0..<8 { prefix = prefix << 8 | (index < string.count ? UInt64(string[index]) : 0) }
        return prefix
    }

    /// Appends a string.
    mutating func entry(for string: UnsafeRawBufferPointer, prefix: UInt64, count: Int64) -> StringEntry {
        let entry = StringEntry(prefix: prefix, offset: bytes.count, length: string.count, count: count)
        bytes.append(contentsOf: string)
        return entry
    }

    /// Appends the strings of another table; its entries then stand this much further up.
    mutating func append(_ other: StringTable) -> Int {
        let offset = bytes.count
        bytes.append(contentsOf: other.bytes)
        wasteCount += other.wasteCount
        return offset
    }

    /// Says that an entry is gone.
    mutating func drop(_ entry: StringEntry) { wasteCount += entry.length }

    /// Closes the gaps when they are more than half of the bytes.
    mutating func compact(_ entries: inout [StringEntry]) {
        guard wasteCount > bytes.count / 2 else { return }
        var packed: [UInt8] = []
        packed.reserveCapacity(bytes.count - wasteCount)
        bytes.withUnsafeBytes { bytes in
            for index in entries.indices {
                let string = entries[index].string(in: bytes)
                entries[index].offset = packed.count
                packed.append(contentsOf: string)
            }
        }
        bytes = packed
        wasteCount = 0
    }

    /// Below, at or above 0, as a stands before, at or behind b.
    static func compare(_ a: StringEntry, _ b: StringEntry, in bytes: UnsafeRawBufferPointer) -> Int {
        if a.prefix != b.prefix { return a.prefix < b.prefix ? -1 : 1 }
        return compareBehindPrefix(a.string(in: bytes), b.string(in: bytes))
    }

    static func compareBehindPrefix(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let common = min(a.count, b.count)
        var index = 8
        while common - index >= 8 {
            let wordA = UInt64(bigEndian: a.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let wordB = UInt64(bigEndian: b.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if wordA != wordB { return wordA < wordB ? -1 : 1 }
            index += 8
        }
        while index < common {
            if a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
            index += 1
        }
        return a.count - b.count
    }

    /// The first of ascending entries that does not stand before a string, and whether it is that string.
    func find(_ string: UnsafeRawBufferPointer, _ prefix: UInt64, in entries: [StringEntry]) -> (
        place: Int, isFound: Bool
    ) {
        bytes.withUnsafeBytes { bytes in
            entries.withUnsafeBufferPointer { entries in
                var low = 0
                var high = entries.count
                while low < high {
                    let middle = (low + high) / 2
                    let entry = entries[middle]
                    let order =
                        entry.prefix != prefix
                        ? (entry.prefix < prefix ? -1 : 1) : Self.compareBehindPrefix(entry.string(in: bytes), string)
                    if order == 0 { return (middle, true) }
                    if order < 0 { low = middle + 1 } else { high = middle }
                }
                return (low, false)
            }
        }
    }
}
