/// `lower` or `upper`: every code point by itself, after `CaseMappingTable`.
struct CaseMapping {
    private let runs: [Int32]
    /// The first of the 26 ASCII letters that change; a bit tells them from what they change to.
    private let asciiFirst: UInt8
    private static let runLength = 4

    static let lower = CaseMapping(runs: CaseMappingTable.lower, asciiFirst: UInt8(ascii: "A"))
    static let upper = CaseMapping(runs: CaseMappingTable.upper, asciiFirst: UInt8(ascii: "a"))

    /// No mapping makes a text longer than this many times its bytes: the shortest code point that grows has two bytes
    /// and grows to three.
    static let growthMax = 2
    /// No mapping makes a text shorter than one part in this many: the Kelvin sign has three bytes, its `k` has one.
    static let shrinkMax = 3

    private init(runs: [Int32], asciiFirst: UInt8) {
        self.runs = runs
        self.asciiFirst = asciiFirst
    }

    /// Writes the mapped text and says how many bytes it has. Bytes that are not UTF-8 stay as they are.
    func map(_ text: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Int {
        let bytes = target.assumingMemoryBound(to: UInt8.self)
        var written = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte < 0x80 {
                bytes[written] = byte &- asciiFirst < 26 ? byte ^ 0x20 : byte
                written += 1
                index += 1
                continue
            }
            let end = ByteText.next(after: index, in: text)
            if let scalar = Self.scalar(text, index..<end) {
                written += Self.encode(mapped(scalar), bytes + written)
            } else {
                for place in index..<end {
                    bytes[written] = text[place]
                    written += 1
                }
            }
            index = end
        }
        return written
    }

    /// Writes a code point and says how many bytes it has.
    private static func encode(_ scalar: UInt32, _ bytes: UnsafeMutablePointer<UInt8>) -> Int {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3f) }
        switch scalar {
        case ..<0x80:
            bytes[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        case ..<0x800:
            (bytes[0], bytes[1]) = (UInt8(truncatingIfNeeded: 0xc0 | scalar >> 6), tail(0))
            return 2
        case ..<0x10000:
            (bytes[0], bytes[1], bytes[2]) = (UInt8(truncatingIfNeeded: 0xe0 | scalar >> 12), tail(6), tail(0))
            return 3
        default:
            bytes[0] = UInt8(truncatingIfNeeded: 0xf0 | scalar >> 18)
            (bytes[1], bytes[2], bytes[3]) = (tail(12), tail(6), tail(0))
            return 4
        }
    }

    /// The code point that some bytes are; nil when they are none.
    private static func scalar(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt32? {
        let lead = UInt32(text[range.lowerBound])
        guard lead >= 0xc0, lead < 0xf8 else { return nil }
        let width = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        guard range.count == width else { return nil }
        var scalar = lead & (0xff >> UInt32(width + 1))
        for byte in text[range].dropFirst() {
            guard byte & 0xc0 == 0x80 else { return nil }
            scalar = scalar << 6 | UInt32(byte & 0x3f)
        }
        // A code point that could have been shorter must keep its bytes, or the text could grow beyond `growthMax`.
        let least: UInt32 = width == 2 ? 0x80 : width == 3 ? 0x800 : 0x10000
        return scalar >= least ? scalar : nil
    }

    private func mapped(_ scalar: UInt32) -> UInt32 {
        let wanted = Int32(bitPattern: scalar)
        var (low, high) = (0, runs.count / Self.runLength)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle * Self.runLength] <= wanted { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return scalar }
        let run = (low - 1) * Self.runLength
        let (first, count, stride, delta) = (runs[run], runs[run + 1], runs[run + 2], runs[run + 3])
        let distance = wanted - first
        guard distance % stride == 0, distance / stride < count else { return scalar }
        return UInt32(bitPattern: wanted + delta)
    }
}
