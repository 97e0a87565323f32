// The first or last n values of a window, all of them or the distinct ones, from events given newest first.
//
//      oldest ------------------------------> newest              window
//        <== extendOlder == extendOlder ==                        accumulation
//
//      kept:   | newest ... oldest |            up to n slots, the first 6 within the value
//
//   last            keeps what comes while there is room
//   first           keeps what comes and lets the newest go
//   lastDistinct    keeps what comes, is new to it, and has room: a value's last appearance is the one that comes first
//   firstDistinct   keeps what comes in place of an equal one, and lets the newest go: a value's first appearance is
//                   the one that comes last
//
// A value that `firstDistinct` lets go has n others that appeared before it. More of the past can only give it up for
// good or bring it back as the oldest: what is kept is exact at every step, and so is merging with an older part.

/// Which values of the end of a window are asked for.
public enum EndForm: UInt8, Sendable, CaseIterable {
    case first
    case last
    case firstDistinct
    case lastDistinct

    var isDistinct: Bool { self == .firstDistinct || self == .lastDistinct }
    /// Whether a full list stays as it is, whatever older events come.
    var isDoneWhenFull: Bool { self == .last || self == .lastDistinct }

    public static let limits = 1...1000
}

/// First and last values as 8-byte slots. Parts must follow each other in time: the order of events is the caller's.
public struct EndValues: Sendable {
    private var heap: [UInt64] = []
    private var few = InlineArray<6, UInt64>(repeating: 0)
    private let limitCount: UInt16
    private var fewCount: UInt8 = 0
    public let form: EndForm

    /// Limits outside `EndForm.limits` are brought into it.
    public init(_ form: EndForm, limit: Int) {
        self.form = form
        limitCount = UInt16(min(max(limit, EndForm.limits.lowerBound), EndForm.limits.upperBound))
    }

    /// Bytes outside of the value.
    var heapBytes: Int { heap.capacity * MemoryLayout<UInt64>.stride }

    public var limit: Int { Int(limitCount) }
    public var count: Int { heap.isEmpty ? Int(fewCount) : heap.count }

    /// Whether no older event can change the result.
    public var isComplete: Bool { form.isDoneWhenFull && count == limit }

    /// Adds the value of an event older than all before.
    public mutating func extendOlder(_ slot: UInt64) {
        let isFull = count == limit
        switch form {
        case .last:
            if !isFull { append(slot) }
        case .first:
            if isFull { remove(at: 0) }
            append(slot)
        case .lastDistinct:
            if !isFull, place(of: slot) == nil { append(slot) }
        case .firstDistinct:
            if let place = place(of: slot) { remove(at: place) } else if isFull { remove(at: 0) }
            append(slot)
        }
    }

    /// Adds all of a part of the same form and limit whose events are older than all before.
    public mutating func merge(older: EndValues) {
        if isComplete { return }
        if !form.isDoneWhenFull, older.count == limit {
            // Its values alone fill the list.
            self = older
            return
        }
        for place in 0..<older.count { extendOlder(older[place]) }
    }

    /// The values, oldest first: by event, or by first (`firstDistinct`) or last appearance (`lastDistinct`).
    public var values: [UInt64] { (0..<count).reversed().map { self[$0] } }

    // MARK: The list, newest first

    private subscript(place: Int) -> UInt64 { heap.isEmpty ? few[place] : heap[place] }

    private func place(of slot: UInt64) -> Int? {
        if !heap.isEmpty { return heap.firstIndex(of: slot) }
        for place in 0..<Int(fewCount) where few[place] == slot { return place }
        return nil
    }

    private mutating func append(_ slot: UInt64) {
        if heap.isEmpty, Int(fewCount) < few.count {
            few[Int(fewCount)] = slot
            fewCount += 1
            return
        }
        if heap.isEmpty {
            heap.reserveCapacity(min(limit, 16))
            for place in 0..<Int(fewCount) { heap.append(few[place]) }
        }
        heap.append(slot)
    }

    private mutating func remove(at place: Int) {
        if !heap.isEmpty {
            // The list never shrinks for good: an append follows, and it stays where it is.
            heap.remove(at: place)
            return
        }
        var index = place + 1
        while index < Int(fewCount) {
            few[index - 1] = few[index]
            index += 1
        }
        fewCount -= 1
    }
}
