/// The bytes of one entity's string values, appended only. A heap slot is `offset << 30 | length` and stays valid as long as
/// the heap lives, wherever the event that holds it moves. Must be `free`d by its owner.
struct StringHeap {
    /// A string has at most `record_bytes_max` bytes, which is at most 1 GB.
    private static let lengthBits: UInt64 = 30
    private static let bytesMax = 1 << (64 - Int(lengthBits))

    private(set) var base: UnsafeMutableRawPointer?
    private(set) var count = 0
    private(set) var capacity = 0

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Copies bytes in and returns their slot.
    mutating func store(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let needed = count + bytes.count
        precondition(needed <= Self.bytesMax, "one entity holds more than 16 GiB of strings")
        if needed > capacity { grow(to: max(64, needed + needed / 2)) }
        if let source = bytes.baseAddress, let base { (base + count).copyMemory(from: source, byteCount: bytes.count) }
        let slot = UInt64(count) << Self.lengthBits | UInt64(bytes.count)
        count = needed
        return slot
    }

    func string(_ slot: UInt64) -> UnsafeRawBufferPointer { Self.string(slot, in: bytes) }

    @inline(__always)
    static func length(_ slot: UInt64) -> Int { Int(slot & (1 << lengthBits - 1)) }

    @inline(__always)
    static func string(_ slot: UInt64, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let offset = Int(slot >> lengthBits)
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + Int(slot & (1 << lengthBits - 1)))])
    }

    mutating func free() {
        base?.deallocate()
        self = StringHeap()
    }

    private mutating func grow(to newCapacity: Int) {
        let grown = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 8)
        if let base {
            grown.copyMemory(from: base, byteCount: count)
            base.deallocate()
        }
        base = grown
        capacity = newCapacity
    }
}
