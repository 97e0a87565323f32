// The first or last n strings of a window: `EndValues` for byte strings, with bytes of its own.
//
//   entries:  | newest ... oldest |      as in `EndValues`; the word before the place is the string's hash
//   table:    their bytes, see `StringTable`

/// First and last values as byte strings. Parts must follow each other in time: the order of events is the caller's.
public struct EndStrings: Sendable {
    private var entries: [StringEntry] = []
    private var table = StringTable()
    private let limitCount: UInt16
    public let form: EndForm

    /// Limits outside `EndForm.limits` are brought into it.
    public init(_ form: EndForm, limit: Int) {
        self.form = form
        limitCount = UInt16(min(max(limit, EndForm.limits.lowerBound), EndForm.limits.upperBound))
    }

    /// Bytes outside of the value.
    var heapBytes: Int { entries.capacity * MemoryLayout<StringEntry>.stride + table.bytes.capacity }

    public var limit: Int { Int(limitCount) }
    public var count: Int { entries.count }

    /// Whether no older event can change the result.
    public var isComplete: Bool { form.isDoneWhenFull && count == limit }

    /// Adds the value of an event older than all before.
    public mutating func extendOlder(_ string: UnsafeRawBufferPointer) {
        if isComplete { return }
        let hash = form.isDistinct ? StableHash64.hash(bytes: string) : 0
        if form.isDistinct, let place = place(of: string, hash) {
            if form == .firstDistinct { entries.append(entries.remove(at: place)) }
            return
        }
        if count == limit { table.drop(entries.removeFirst()) }
        entries.append(table.entry(for: string, prefix: hash, count: 1))
        table.compact(&entries)
    }

    /// Adds all of a part of the same form and limit whose events are older than all before.
    public mutating func merge(older: EndStrings) {
        if isComplete { return }
        if !form.isDoneWhenFull, older.count == limit {
            // Its values alone fill the list.
            self = older
            return
        }
        older.table.bytes.withUnsafeBytes { bytes in
            for entry in older.entries { extendOlder(entry.string(in: bytes)) }
        }
    }

    /// Calls back with each value, oldest first, as `EndValues.values` orders them.
    public func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        table.bytes.withUnsafeBytes { bytes in
            for entry in entries.reversed() { body(entry.string(in: bytes)) }
        }
    }

    func forEachNewestFirst(_ body: (UnsafeRawBufferPointer) -> Void) {
        table.bytes.withUnsafeBytes { bytes in
            for entry in entries { body(entry.string(in: bytes)) }
        }
    }

    var byteCount: Int { table.bytes.count }

    private func place(of string: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
        table.bytes.withUnsafeBytes { bytes in
            entries.firstIndex { entry in
                entry.prefix == hash && entry.length == string.count
                    && entry.string(in: bytes).elementsEqual(string)
            }
        }
    }
}
