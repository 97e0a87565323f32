/// Where the strings of registers lie: the evaluated rows' own bytes, or bytes made here.
///
///     slot   offset 32 | made 1 | length 31        `made` chooses between the two
///     made   constants | strings of the current rows, forgotten with them
///
/// A made string has at most `stringBytesMax` bytes, so a row's programs cannot make more than that per instruction.
final class StringHeap {
    private struct Bytes {
        var base: UnsafeMutableRawPointer
        var capacity: Int
        var count = 0
        var constantsEnd = 0
        var input = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Behind a pointer: a class's own variables are checked for overlapping access, for every string of every row.
    private let bytes: UnsafeMutablePointer<Bytes>

    static let stringBytesMax = 64 * 1024
    private static let made: UInt64 = 1 << 31

    init() {
        bytes = .allocate(capacity: 1)
        // Few: an expression without strings never needs more, and a reader has an evaluator for each derived feature.
        bytes.initialize(to: Bytes(base: .allocate(byteCount: 16, alignment: 1), capacity: 16))
    }

    deinit {
        bytes.pointee.base.deallocate()
        bytes.deallocate()
    }

    /// The bytes of the rows under evaluation.
    var input: UnsafeRawBufferPointer {
        get { bytes.pointee.input }
        set { bytes.pointee.input = newValue }
    }

    /// The bytes of a slot, valid until a string is made. Traps on a slot outside its bytes: a caller's mistake.
    @inline(__always) func text(_ slot: UInt64) -> UnsafeRawBufferPointer {
        let (start, length) = (Int(slot >> 32), Int(slot & (Self.made - 1)))
        if slot & Self.made != 0 {
            precondition(start + length <= bytes.pointee.count, "a made string outside its heap")
            return UnsafeRawBufferPointer(start: bytes.pointee.base + start, count: length)
        }
        precondition(start + length <= input.count, "a string slot outside the strings")
        return UnsafeRawBufferPointer(rebasing: input[start..<(start + length)])
    }

    /// A slot for a part of another slot's string.
    @inline(__always) func part(of slot: UInt64, from start: Int, length: Int) -> UInt64 {
        (slot >> 32 + UInt64(start)) << 32 | slot & Self.made | UInt64(length)
    }

    /// Adds a string of at most `bytesMax` bytes: `body` fills them and says how many it wrote. nil when they are more
    /// than a made string may have.
    @inline(__always) func make(atMost bytesMax: Int, _ body: (UnsafeMutableRawPointer) -> Int) -> UInt64? {
        reserve(bytesMax)
        let start = bytes.pointee.count
        let length = body(bytes.pointee.base + start)
        guard length <= Self.stringBytesMax else { return nil }
        bytes.pointee.count = start + length
        return UInt64(start) << 32 | Self.made | UInt64(length)
    }

    func make(_ text: some Collection<UInt8>) -> UInt64? {
        make(atMost: text.count) { target in
            UnsafeMutableRawBufferPointer(start: target, count: text.count).copyBytes(from: text)
            return text.count
        }
    }

    /// Room for `more` bytes. Makes earlier `text` results invalid.
    @inline(__always) func reserve(_ more: Int) {
        if bytes.pointee.count + more > bytes.pointee.capacity { grow(by: more) }
    }

    private func grow(by more: Int) {
        let count = bytes.pointee.count
        let capacity = max(count + more, bytes.pointee.capacity * 2)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
        grown.copyMemory(from: bytes.pointee.base, byteCount: count)
        bytes.pointee.base.deallocate()
        bytes.pointee.base = grown
        bytes.pointee.capacity = capacity
    }

    /// What has been made so far stays; what is made later goes at the next `removeRows`.
    func keepConstants() { bytes.pointee.constantsEnd = bytes.pointee.count }

    func removeRows() { bytes.pointee.count = bytes.pointee.constantsEnd }

    /// How many bytes the current rows have made.
    var rowBytes: Int { bytes.pointee.count - bytes.pointee.constantsEnd }
}
