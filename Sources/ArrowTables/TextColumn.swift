import CArrow

/// A column of text: the bytes of all values side by side, and where each ends.
public struct TextColumn: ~Copyable {
    private var text: CArrowText

    init(owning text: CArrowText) { self.text = text }

    deinit {
        var text = text
        carrow_text_free(&text)
    }

    public var count: Int { Int(text.rows) }

    /// Whether the row has a value.
    public func isValid(_ row: Int) -> Bool { text.validity[row] != 0 }

    /// The UTF-8 bytes of a row, empty where it has no value. Valid as long as the column is.
    public func bytes(_ row: Int) -> UnsafeRawBufferPointer {
        let start = Int(text.offsets[row])
        return UnsafeRawBufferPointer(start: text.bytes + start, count: Int(text.offsets[row + 1]) - start)
    }
}
