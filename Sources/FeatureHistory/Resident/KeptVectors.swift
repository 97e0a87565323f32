// Feature vectors of one entity that are right for a while: until an event comes in, or T passes an edge.
//
//   first --> | next, plan, from, until, arrival, ... | slots n x 8 | statuses n | bytes | event times n x 8 |
//               |                                                                 strings, lists, maps
//               +--> another interval's, or another plan's ... at most `countMax`; the one that answered last in front, those
//                    that are not right any more behind all others
//
// Lookups as of now move on: their vector gives its room to the one after it. Lookups as of past instants come back to
// the same intervals, so a plan has several.
//
// A vector holds the results of one part of a plan, as they came out of the evaluation. It answers a read at (T, K) by the
// same boundary when from <= T < until and K is not before the newest arrival: the evaluation would give the same bits.

import FeatureModel
import Windowing

/// What a read of one part of a plan asks for. Borrows its memory for one call.
struct VectorRead {
    let part: LookupPlan.Part
    let point: ReadPoint
    let cells: FeatureCells
    /// Whether the cells' event times are looked at.
    let wantsEventTimes: Bool
}

/// The vectors of one entity. Not thread-safe; its shard's lock guards it. Must be `free`d by its owner.
struct KeptVectors {
    private struct Head {
        var next: UnsafeMutablePointer<Head>?
        /// The part's number.
        var plan: UInt64
        var steady: SteadyInterval
        /// The newest arrival of the entity's events, dropped ones among them.
        var arrival: Int64
        var count: Int32
        /// Of strings, lists and maps.
        var byteCount: Int32
        /// Of the whole block.
        var size: Int32
        var boundary: Boundary

        var isRight: Bool { steady != KeptVectors.never }
    }

    /// Of a vector that is not right any more.
    private static let never = SteadyInterval(from: .max, until: .min)

    private var first: UnsafeMutablePointer<Head>?
    private(set) var byteCount = 0

    /// Vectors of one entity.
    static let countMax = 8
    /// Of one plan, for different instants.
    static let countOfPlanMax = 4
    /// Of a block: the head, and some ten features.
    private static let touchedBytes = 192
    /// A vector with more bytes of strings, lists and maps is not kept.
    static let bytesMax = 4096

    /// Fills the cells of a part from a kept vector.
    ///
    /// - Returns: false when none answers the read.
    @inline(__always)
    mutating func answer(_ read: VectorRead) -> Bool {
        var previous: UnsafeMutablePointer<Head>?
        var next = first
        while let head = next {
            if head.pointee.plan == read.part.number, head.pointee.boundary == read.point.boundary,
                head.pointee.steady.contains(read.point.asOf.microseconds)
            {
                guard read.point.knownAt.microseconds >= head.pointee.arrival else { return false }
                if let previous {
                    previous.pointee.next = head.pointee.next
                    head.pointee.next = first
                    first = head
                }
                copy(head, read)
                return true
            }
            previous = head
            next = head.pointee.next
        }
        return false
    }

    /// For warming the cache: reads the first vector, a byte each 64.
    @inline(__always)
    func touch() -> Int {
        guard let head = first else { return 0 }
        let start = UnsafeRawPointer(head)
        let end = min(Int(head.pointee.size), Self.touchedBytes)
        var (sum, next) = (Int(truncatingIfNeeded: head.pointee.plan), 64)
        while next < end {
            sum &+= Int(start.load(fromByteOffset: next, as: UInt8.self))
            next += 64
        }
        return sum
    }

    private func copy(_ head: UnsafeMutablePointer<Head>, _ read: VectorRead) {
        let (part, cells, count) = (read.part, read.cells, Int(head.pointee.count))
        let slots = Self.slots(head)
        let statuses = UnsafeRawPointer(slots + count).assumingMemoryBound(to: UInt8.self)
        let (toSlots, toStatuses, toEventTimes) = (cells.slots, cells.statuses, cells.eventTimes)
        part.outputs.withUnsafeBufferPointer { outputs in
            guard let outputs = outputs.baseAddress else { return }
            for index in 0..<count {
                let cell = Int(outputs[index])
                toSlots[cell] = slots[index]
                toStatuses[cell] = statuses[index]
            }
            guard read.wantsEventTimes else { return }
            let eventTimes = UnsafeRawPointer(statuses + count + Int(head.pointee.byteCount))
            for index in 0..<count {
                toEventTimes[Int(outputs[index])] = eventTimes.loadUnaligned(
                    fromByteOffset: index * 8,
                    as: Int64.self
                )
            }
        }
        guard !part.byteOutputs.isEmpty else { return }
        let start = UInt64(cells.strings.count) << 32
        _ = cells.store(UnsafeRawBufferPointer(start: statuses + count, count: Int(head.pointee.byteCount)))
        for index in part.byteOutputs where statuses[Int(index)] & FeatureCells.hasValue != 0 {
            let cell = Int(part.outputs[Int(index)])
            // No room any more: as an evaluation leaves it.
            cells.slots[cell] = cells.isTooLong ? 0 : cells.slots[cell] &+ start
        }
    }

    /// Keeps the results that an evaluation has just left in the cells.
    ///
    /// - Parameters:
    ///   - start: how many bytes of strings there were before the evaluation.
    ///   - events: what was evaluated.
    mutating func keep(_ read: VectorRead, stringsFrom start: Int, _ events: EntityEvents) {
        let (part, cells) = (read.part, read.cells)
        let bytes = cells.strings.count - start
        // What dropped events had arrived by decides too: before that K, windows are OUTSIDE_RETENTION.
        let arrival = max(events.newestArrival, events.dropped?.newestArrival ?? .min)
        guard bytes <= Self.bytesMax, !cells.isTooLong, read.point.knownAt.microseconds >= arrival,
            let steady = part.windows.steady(events, asOf: read.point.asOf, boundary: read.point.boundary),
            steady.contains(read.point.asOf.microseconds)
        else { return }
        let count = part.outputs.count
        let head = room(for: read, steady, size: MemoryLayout<Head>.stride + count * 17 + bytes)
        head.pointee.steady = steady
        head.pointee.arrival = arrival
        head.pointee.count = Int32(truncatingIfNeeded: count)
        head.pointee.byteCount = Int32(truncatingIfNeeded: bytes)
        let slots = Self.slots(head)
        let statuses = UnsafeMutableRawPointer(slots + count).assumingMemoryBound(to: UInt8.self)
        let eventTimes = UnsafeMutableRawPointer(statuses + count + bytes)
        for index in 0..<count {
            let cell = Int(part.outputs[index])
            slots[index] = cells.slots[cell]
            statuses[index] = cells.statuses[cell]
            eventTimes.storeBytes(of: cells.eventTimes[cell], toByteOffset: index * 8, as: Int64.self)
        }
        // Strings are found again wherever they will stand then.
        for index in part.byteOutputs where statuses[Int(index)] & FeatureCells.hasValue != 0 {
            slots[Int(index)] &-= UInt64(start) << 32
        }
        guard bytes > 0 else { return }
        cells.strings.withUnsafeBytes { strings in
            let own = UnsafeRawBufferPointer(rebasing: strings[start...])
            UnsafeMutableRawBufferPointer(start: statuses + count, count: bytes).copyMemory(from: own)
        }
    }

    /// Something about the entity has changed: no vector is right any more. Their memory waits for the next ones.
    @inline(__always)
    func forget() {
        var next = first
        // Behind one that was forgotten before there are only such.
        while let head = next, head.pointee.isRight {
            head.pointee.steady = Self.never
            next = head.pointee.next
        }
    }

    mutating func free() {
        while let head = first {
            first = head.pointee.next
            UnsafeMutableRawPointer(head).deallocate()
        }
        byteCount = 0
    }

    // MARK: Memory

    private static func slots(_ head: UnsafeMutablePointer<Head>) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer(head + 1).assumingMemoryBound(to: UInt64.self)
    }

    /// A block of at least `size` bytes for a vector, in front of the others. It takes the place of one that is not right any
    /// more, of the plan's newest where this one is newer, or of the plan's or the entity's last where there are too many.
    private mutating func room(
        for read: VectorRead,
        _ steady: SteadyInterval,
        size: Int
    ) -> UnsafeMutablePointer<Head> {
        let taken = replaceable(for: read, steady)
        if let taken { unlink(taken) }
        let head: UnsafeMutablePointer<Head>
        if let taken, Int(taken.pointee.size) >= size {
            head = taken
        } else {
            if let taken {
                byteCount -= Int(taken.pointee.size)
                UnsafeMutableRawPointer(taken).deallocate()
            }
            head = allocate(size)
        }
        head.pointee.next = first
        head.pointee.plan = read.part.number
        head.pointee.boundary = read.point.boundary
        first = head
        return head
    }

    /// The vector whose block a new one takes; nil where it gets one of its own.
    private func replaceable(for read: VectorRead, _ steady: SteadyInterval) -> UnsafeMutablePointer<Head>? {
        var newest: UnsafeMutablePointer<Head>?
        var last: UnsafeMutablePointer<Head>?
        var lastOfPlan: UnsafeMutablePointer<Head>?
        var (count, countOfPlan) = (0, 0)
        var next = first
        while let head = next {
            guard head.pointee.isRight else { return head }
            next = head.pointee.next
            count += 1
            last = head
            guard head.pointee.plan == read.part.number, head.pointee.boundary == read.point.boundary else { continue }
            countOfPlan += 1
            lastOfPlan = head
            if head.pointee.steady.until > newest?.pointee.steady.until ?? .min { newest = head }
        }
        if let newest, steady.from >= newest.pointee.steady.until { return newest }
        if countOfPlan >= Self.countOfPlanMax { return lastOfPlan }
        return count >= Self.countMax ? last : nil
    }

    private mutating func unlink(_ block: UnsafeMutablePointer<Head>) {
        guard first != block else {
            first = block.pointee.next
            return
        }
        var next = first
        while let head = next {
            next = head.pointee.next
            if next == block { head.pointee.next = block.pointee.next }
        }
    }

    private mutating func allocate(_ size: Int) -> UnsafeMutablePointer<Head> {
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: MemoryLayout<Head>.alignment)
        byteCount += size
        let head = block.bindMemory(to: Head.self, capacity: 1)
        head.initialize(
            to: Head(
                next: nil,
                plan: 0,
                steady: Self.never,
                arrival: .max,
                count: 0,
                byteCount: 0,
                size: Int32(truncatingIfNeeded: size),
                boundary: .strict
            )
        )
        return head
    }
}
