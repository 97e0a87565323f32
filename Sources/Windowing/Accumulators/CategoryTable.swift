// Values of a column, each with a number: 0, 1, 2, ... in the order in which they came.
//
//   words   of 8-byte values: the slot           | slot 0 | slot 1 | ...
//           of strings: where its bytes end      | end 0 | end 1 | ...     in `bytes`, each beginning where the last ended
//   places  a hash table, at most half full      | number + 1, 0: free | ...
//
// The hash is seeded anew in each process, so nobody can choose values that meet in one place. It shows in no result.

struct CategoryTable: Sendable {
    let kind: ColumnKind
    private var words: [UInt64] = []
    private var bytes: [UInt8] = []
    private var places: [UInt32] = []

    init(_ kind: ColumnKind) { self.kind = kind }

    var heapBytes: Int {
        (words.capacity * MemoryLayout<UInt64>.stride) + bytes.capacity + places.capacity * MemoryLayout<UInt32>.stride
    }

    mutating func removeAll() { self = CategoryTable(kind) }

    /// The number of a column's value; the count so far when it is new, and then it has come.
    ///
    /// - Parameter heap: the bytes of string slots.
    mutating func number(of slot: UInt64, in heap: UnsafeRawBufferPointer) -> Int {
        kind == .string ? number(of: StringHeap.string(slot, in: heap)) : number(of: slot)
    }

    /// The same of a value that another table of this kind has.
    mutating func number(of theirs: Int, in other: CategoryTable) -> Int {
        guard kind == .string else { return number(of: other.words[theirs]) }
        return other.bytes.withUnsafeBytes { bytes in
            number(of: UnsafeRawBufferPointer(rebasing: bytes[other.range(theirs)]))
        }
    }

    /// The same of a value that is not a string.
    mutating func number(of slot: UInt64) -> Int {
        makeRoom()
        var hasher = Hasher()
        hasher.combine(slot)
        var place = hasher.finalize() & (places.count - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if words[number] == slot { return number }
            place = (place + 1) & (places.count - 1)
        }
        return take(place, word: slot)
    }

    /// The same of a string.
    mutating func number(of string: UnsafeRawBufferPointer) -> Int {
        makeRoom()
        var place = Self.hash(string) & (places.count - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if isEqual(number, to: string) { return number }
            place = (place + 1) & (places.count - 1)
        }
        bytes.append(contentsOf: string)
        return take(place, word: UInt64(bytes.count))
    }

    private mutating func take(_ place: Int, word: UInt64) -> Int {
        words.append(word)
        places[place] = UInt32(truncatingIfNeeded: words.count)
        return words.count - 1
    }

    private static func hash(_ string: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: string)
        return hasher.finalize()
    }

    private func range(_ number: Int) -> Range<Int> {
        (number == 0 ? 0 : Int(words[number - 1]))..<Int(words[number])
    }

    private func isEqual(_ number: Int, to string: UnsafeRawBufferPointer) -> Bool {
        let range = range(number)
        guard range.count == string.count else { return false }
        return bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[range]).elementsEqual(string) }
    }

    /// Doubles the hash table when one more value would make it more than half full.
    private mutating func makeRoom() {
        guard (words.count + 1) * 2 > places.count else { return }
        places = [UInt32](repeating: 0, count: max(16, places.count * 2))
        for number in words.indices {
            var place = hash(number) & (places.count - 1)
            while places[place] != 0 { place = (place + 1) & (places.count - 1) }
            places[place] = UInt32(truncatingIfNeeded: number + 1)
        }
    }

    private func hash(_ number: Int) -> Int {
        guard kind != .string else {
            return bytes.withUnsafeBytes { Self.hash(UnsafeRawBufferPointer(rebasing: $0[range(number)])) }
        }
        var hasher = Hasher()
        hasher.combine(words[number])
        return hasher.finalize()
    }

    // MARK: Order and values

    /// Whether one value stands before another: numbers by size, false before true, strings by their bytes.
    func isBefore(_ a: Int, _ b: Int) -> Bool {
        guard kind == .string else {
            let order: SlotOrder = kind == .double ? .double : .integer
            return order.key(words[a]) < order.key(words[b])
        }
        return bytes.withUnsafeBytes { $0[range(a)].lexicographicallyPrecedes($0[range(b)]) }
    }

    /// The slot of a value that is not a string.
    func slot(_ number: Int) -> UInt64 { words[number] }

    func withString<R>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range(number)])) }
    }

    func string(_ number: Int) -> String { String(decoding: bytes[range(number)], as: UTF8.self) }
}
