import FeatureModel

import RocksDB

// The outbox of dead letters, in sequence order:
//
//   first ......... unforwarded .......... next
//   | forwarded, kept for reading | to be forwarded |
//
// Bounded by `DeadLetterLimits`: the oldest go first.

extension FeatureStore {
    /// A dead letter with its sequence number.
    public struct NumberedDeadLetter: Sendable {
        public var sequence: UInt64
        public var letter: DeadLetter
    }

    /// The outbox at a glance.
    public struct DeadLetterSummary: Sendable {
        public var kept: UInt64
        public var waiting: UInt64
        public var dropped: UInt64
    }

    public var deadLetterSummary: DeadLetterSummary {
        writer.withLock {
            DeadLetterSummary(
                kept: state.deadLetterNext - state.deadLetterFirst,
                waiting: state.deadLetterNext - max(state.deadLetterUnforwarded, state.deadLetterFirst),
                dropped: state.deadLettersDropped
            )
        }
    }

    /// Adds letters to a commit's batch and lets the oldest go where the outbox would be too full.
    func put(_ letters: [DeadLetter], _ next: inout StoreState, to writes: inout WriteBatch) throws(StoreError) {
        guard !letters.isEmpty else { return }
        let added = next.deadLetterNext
        var sizes: [UInt64] = []
        for letter in letters {
            let bytes = DeadLetterCodec.encode(letter)
            sizes.append(UInt64(bytes.count))
            writes.put(StoreKeys.number(next.deadLetterNext), bytes, in: families.deadLetters)
            next.deadLetterNext += 1
            next.deadLetterBytes += UInt64(bytes.count)
        }
        func isFull() -> Bool {
            next.deadLetterNext - next.deadLetterFirst > options.deadLetters.recordsMax
                || next.deadLetterBytes > options.deadLetters.bytesMax
        }
        guard isFull() else { return }
        var iterator = try storing { () throws(RocksDBError) in try database.makeIterator(in: families.deadLetters) }
        iterator.seek(to: StoreKeys.number(next.deadLetterFirst))
        while isFull(), iterator.isValid {
            dropOldest(byteCount: UInt64(iterator.value.count), &next, &writes)
            iterator.next()
        }
        try check(iterator)
        // This commit alone brings more than the outbox may hold.
        while isFull(), next.deadLetterFirst >= added, next.deadLetterFirst < next.deadLetterNext {
            dropOldest(byteCount: sizes[Int(next.deadLetterFirst - added)], &next, &writes)
        }
    }

    private func dropOldest(byteCount: UInt64, _ next: inout StoreState, _ writes: inout WriteBatch) {
        writes.delete(StoreKeys.number(next.deadLetterFirst), in: families.deadLetters)
        next.deadLetterBytes -= min(next.deadLetterBytes, byteCount)
        if next.deadLetterFirst >= next.deadLetterUnforwarded {
            next.deadLettersDropped += 1
            next.deadLetterUnforwarded = next.deadLetterFirst + 1
        }
        next.deadLetterFirst += 1
    }

    /// Up to `limit` dead letters with a sequence number greater than `after`, oldest first.
    public func deadLetters(after: UInt64, limit: Int) throws(StoreError) -> [NumberedDeadLetter] {
        var letters: [NumberedDeadLetter] = []
        var iterator = try storing { () throws(RocksDBError) in try database.makeIterator(in: families.deadLetters) }
        iterator.seek(to: StoreKeys.number(after == .max ? after : after + 1))
        while iterator.isValid, letters.count < limit {
            guard let sequence = StoreKeys.number(in: iterator.key) else {
                throw StoreError(.corruption, "dead letter key of \(iterator.key.count) bytes")
            }
            letters.append(NumberedDeadLetter(sequence: sequence, letter: try DeadLetterCodec.decode(iterator.value)))
            iterator.next()
        }
        try check(iterator)
        return letters
    }

    /// The oldest dead letters that were not forwarded yet, oldest first.
    public func unforwardedDeadLetters(limit: Int) throws(StoreError) -> [NumberedDeadLetter] {
        let from = writer.withLock { max(state.deadLetterUnforwarded, state.deadLetterFirst) }
        return try deadLetters(after: from - 1, limit: limit)
    }

    /// Records that all letters up to `sequence` reached the dead-letter topic (or need not). They stay readable until
    /// they make room.
    public func markForwarded(through sequence: UInt64) throws(StoreError) {
        try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            var next = state
            guard sequence >= next.deadLetterUnforwarded, sequence < next.deadLetterNext else { return }
            next.deadLetterUnforwarded = sequence + 1
            var writes = WriteBatch()
            writes.put(RegistryKey.state, RegistryCodec.encode(next), in: families.registry)
            try commitOrFail(writes, sync: false)
            state = next
        }
    }
}
