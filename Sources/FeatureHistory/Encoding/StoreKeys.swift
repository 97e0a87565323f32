// Keys of the column families. Numbers are big-endian so that RocksDB's byte order is their order.
//
//   journal       commit u64
//   ledger        commit u64
//   offsets       stream u64
//   dead_letters  sequence u64
//   registry      text
//   leaves        history u32 | entity key length u16 | entity key | start: time u64 (sign flipped), stream u64, offset u64
//
// A leaf holds the entity's events e with start <= (time, position) of e < the next leaf's start. The first leaf of an
// entity starts at zero, below every event, so it is found by one point lookup.

import Windowing

enum StoreKeys {
    static func number(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    static func number(in key: UnsafeRawBufferPointer) -> UInt64? {
        key.count == 8 ? UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) : nil
    }

    /// What all leaf keys of a history begin with.
    static func history(_ id: UInt32) -> [UInt8] { withUnsafeBytes(of: id.bigEndian) { Array($0) } }

    /// The part of a leaf key that names the entity; also the identity of an entity in memory.
    static func appendEntity(history: UInt32, key: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: history.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt16(truncatingIfNeeded: key.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: key)
    }

    static let leafStartBytes = 24

    static func appendLeafStart(_ start: EventOrder, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: (UInt64(bitPattern: start.time) ^ (1 << 63)).bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: start.stream.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: (UInt64(bitPattern: start.offset) ^ (1 << 63)).bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// The part of a leaf's key that names the entity.
    static func identity(in key: UnsafeRawBufferPointer) -> [UInt8]? {
        guard key.count > 6 + leafStartBytes else { return nil }
        let length = 6 + Int(UInt16(bigEndian: key.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
        return key.count == length + leafStartBytes ? Array(key.prefix(length)) : nil
    }

    static func leafStart(in key: UnsafeRawBufferPointer) -> EventOrder? {
        guard key.count > leafStartBytes else { return nil }
        let tail = UnsafeRawBufferPointer(rebasing: key[(key.count - leafStartBytes)...])
        return EventOrder(
            time: Int64(bitPattern: UInt64(bigEndian: tail.loadUnaligned(as: UInt64.self)) ^ (1 << 63)),
            stream: UInt64(bigEndian: tail.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            offset: Int64(
                bitPattern: UInt64(bigEndian: tail.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) ^ (1 << 63)
            )
        )
    }
}
