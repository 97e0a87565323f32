// A small sorted table, one entry a key: what sketches and multisets keep their counts in.
//
//   few:    | heap: [] | entry entry entry - - | 3 |          within the value, nothing allocated
//   many:   | heap: ---|-----------------------|---|---> | entry entry entry entry entry ...
//
// Keys ascend, so that two tables merge in one pass, backwards and in place. The contents are a function of the set of
// entries put in, never of their order, as long as `absorb` is commutative and associative.

/// An entry of a sorted table.
@usableFromInline
protocol SortedEntry: BitwiseCopyable, Sendable {
    associatedtype Key: Comparable
    var key: Key { get }
    /// Any entry: what unused places hold.
    static var filler: Self { get }
    /// Takes up another entry with the same key.
    mutating func absorb(_ other: Self)
}

@usableFromInline
struct SortedEntries<let inlineCapacity: Int, Entry: SortedEntry>: Sendable {
    /// Empty while the entries stand within this value.
    @usableFromInline var heap: [Entry] = []
    @usableFromInline var few = InlineArray<inlineCapacity, Entry>(repeating: .filler)
    @usableFromInline var fewCount: UInt8 = 0

    @inlinable
    init() {}

    /// Bytes outside of the value.
    var heapBytes: Int { heap.capacity * MemoryLayout<Entry>.stride }

    @inlinable var count: Int { heap.isEmpty ? Int(fewCount) : heap.count }

    /// The entries, keys ascending.
    @inlinable
    func withEntries<Result>(_ body: (UnsafeBufferPointer<Entry>) -> Result) -> Result {
        if heap.isEmpty {
            return few.span.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0.prefix(Int(fewCount)))) }
        }
        return heap.withUnsafeBufferPointer(body)
    }

    /// Puts an entry in, or into the one that has its key.
    @inlinable
    mutating func insert(_ entry: Entry) {
        let key = entry.key
        if heap.isEmpty {
            var place = Int(fewCount)
            while place > 0, few[place - 1].key >= key { place -= 1 }
            if place < Int(fewCount), few[place].key == key {
                few[place].absorb(entry)
                return
            }
            if Int(fewCount) < inlineCapacity {
                var index = Int(fewCount)
                while index > place {
                    few[index] = few[index - 1]
                    index -= 1
                }
                few[place] = entry
                fewCount += 1
                return
            }
            spill()
        }
        let place = heap.withUnsafeBufferPointer { Self.lowerBound(of: key, in: $0) }
        if place < heap.count, heap[place].key == key {
            heap[place].absorb(entry)
        } else {
            heap.insert(entry, at: place)
        }
    }

    /// The first place whose key is not less.
    @inlinable
    static func lowerBound(of key: Entry.Key, in entries: UnsafeBufferPointer<Entry>) -> Int {
        // Halving without a branch that has to be guessed.
        var low = 0
        var length = entries.count
        while length > 1 {
            let half = length &>> 1
            low = entries[low &+ half &- 1].key < key ? low &+ half : low
            length &-= half
        }
        return length == 1 && entries[low].key < key ? low &+ 1 : low
    }

    /// Puts all entries of another table in.
    @usableFromInline
    mutating func merge(_ other: SortedEntries) {
        if other.heap.isEmpty, heap.isEmpty || other.fewCount < 4 {
            for index in 0..<Int(other.fewCount) { insert(other.few[index]) }
            return
        }
        if count == 0 {
            self = other
            return
        }
        if heap.isEmpty { spill() }
        other.withEntries { mergeIntoHeap($0) }
    }

    private mutating func mergeIntoHeap(_ theirs: UnsafeBufferPointer<Entry>) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: theirs.count) { places in
            let ownCount = heap.count
            let missing = heap.withUnsafeBufferPointer { Self.locate(theirs, in: $0, into: places) }
            heap.append(contentsOf: repeatElement(.filler, count: missing))
            heap.withUnsafeMutableBufferPointer { entries in
                guard let base = entries.baseAddress else { return }
                // From the back, block by block: what is written never overtakes what is still to be read.
                var sourceEnd = ownCount
                var targetEnd = ownCount + missing
                for index in theirs.indices.reversed() {
                    let place = places[index] >> 1
                    let isNew = places[index] & 1 == 1
                    if targetEnd != sourceEnd {
                        let block = sourceEnd - place
                        targetEnd -= block
                        sourceEnd = place
                        (base + targetEnd).update(from: base + place, count: block)
                    } else {
                        // Nothing new is left to come: everything below stands where it belongs.
                        sourceEnd = place
                        targetEnd = place
                    }
                    if isNew {
                        targetEnd -= 1
                        base[targetEnd] = theirs[index]
                    } else {
                        base[targetEnd].absorb(theirs[index])
                    }
                }
            }
        }
    }

    /// For each of their entries, `2 * place` of its key, or `2 * place + 1` when the key is new and belongs before
    /// `place`. Returns how many are new.
    private static func locate(
        _ theirs: UnsafeBufferPointer<Entry>,
        in entries: UnsafeBufferPointer<Entry>,
        into places: UnsafeMutableBufferPointer<Int>
    ) -> Int {
        var missing = 0
        var own = 0
        for index in theirs.indices {
            let key = theirs[index].key
            // Strides that double find the neighbourhood, halving finds the place: cheap when few meet many, and nearly
            // a plain step when as many meet as many.
            if own < entries.count, entries[own].key < key {
                var stride = 1
                while own + stride < entries.count, entries[own + stride].key < key {
                    own += stride
                    stride &<<= 1
                }
                let end = min(entries.count, own + stride)
                own += 1 + lowerBound(of: key, in: UnsafeBufferPointer(rebasing: entries[(own + 1)..<end]))
            }
            let isNew = own == entries.count || entries[own].key != key
            places[index] = own &<< 1 | (isNew ? 1 : 0)
            if isNew { missing += 1 }
        }
        return missing
    }

    @usableFromInline
    mutating func spill() {
        heap.reserveCapacity(4 * inlineCapacity)
        for index in 0..<Int(fewCount) { heap.append(few[index]) }
        fewCount = 0
    }
}
