// Strings as DuckDB sees them: compared by bytes, counted by code points.

enum ByteText {
    /// Byte order: negative, 0 or positive.
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let shared = min(a.count, b.count)
        var index = 0
        while index + 8 <= shared {
            let left = a.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let right = b.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if left != right { return left.byteSwapped < right.byteSwapped ? -1 : 1 }
            index += 8
        }
        while index < shared {
            if a[index] != b[index] { return Int(a[index]) - Int(b[index]) }
            index += 1
        }
        return a.count - b.count
    }

    static func isEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        a.count == b.count && compare(a, b) == 0
    }

    static func hasPrefix(_ text: UnsafeRawBufferPointer, _ prefix: UnsafeRawBufferPointer) -> Bool {
        text.count >= prefix.count && isEqual(UnsafeRawBufferPointer(rebasing: text[..<prefix.count]), prefix)
    }

    static func hasSuffix(_ text: UnsafeRawBufferPointer, _ suffix: UnsafeRawBufferPointer) -> Bool {
        text.count >= suffix.count
            && isEqual(UnsafeRawBufferPointer(rebasing: text[(text.count - suffix.count)...]), suffix)
    }

    /// Whether one text holds another. Long ones take time in their sum, never in their product (Knuth, Morris, Pratt):
    /// both may come from outside.
    static func contains(_ text: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        guard let first = part.first else { return true }
        guard text.count >= part.count else { return false }
        guard part.count > 32 else {
            for start in 0...(text.count - part.count) where text[start] == first {
                if isEqual(UnsafeRawBufferPointer(rebasing: text[start..<(start + part.count)]), part) { return true }
            }
            return false
        }
        // borders[i]: how much of the part's start also ends its first i + 1 bytes.
        var borders = [Int](repeating: 0, count: part.count)
        var length = 0
        for index in 1..<part.count {
            while length > 0, part[index] != part[length] { length = borders[length - 1] }
            if part[index] == part[length] { length += 1 }
            borders[index] = length
        }
        length = 0
        for byte in text {
            while length > 0, byte != part[length] { length = borders[length - 1] }
            if byte == part[length] { length += 1 }
            if length == part.count { return true }
        }
        return false
    }

    /// The number of code points: of bytes that do not continue one.
    static func length(_ text: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in text { count += byte & 0xc0 == 0x80 ? 0 : 1 }
        return count
    }

    /// Where the code point after the one at `index` begins; at most the text's end, whatever the bytes are.
    @inline(__always) static func next(after index: Int, in text: UnsafeRawBufferPointer) -> Int {
        let lead = text[index]
        let width = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        return min(index + width, text.count)
    }

    /// The bytes of the code points `range`, which may lie partly or wholly outside the text.
    static func bytes(ofCodePoints range: Range<Int>, in text: UnsafeRawBufferPointer) -> Range<Int> {
        var (index, codePoint) = (0, 0)
        while codePoint < range.lowerBound, index < text.count {
            index = next(after: index, in: text)
            codePoint += 1
        }
        let start = index
        while codePoint < range.upperBound, index < text.count {
            index = next(after: index, in: text)
            codePoint += 1
        }
        return start..<index
    }

    /// The code points that `substr` takes, as DuckDB counts them; nil beyond the numbers that it accepts.
    ///
    /// `start` counts from 1; a negative one counts from the end; 0 is the place before the first. A negative length
    /// reaches backwards. What lies outside the text is left out. No length is the greatest one.
    static func substring(start: Int64, length: Int64?, of count: Int) -> Range<Int>? {
        let accepted = Int64(-4_294_967_296)...4_294_967_295
        let length = length ?? accepted.upperBound
        guard accepted.contains(start), accepted.contains(length) else { return nil }
        let first = start < 0 ? count + Int(start) : Int(start) - 1
        let last = first + Int(length)
        return max(0, min(first, last))..<max(0, max(first, last))
    }
}
