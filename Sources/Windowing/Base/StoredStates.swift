// How each state of `Functions` stands in a base. Every form is a function of what the state holds, and what is read back
// merges and finalizes to the same bits; docs/format/history.md draws them.

/// A state that can be stored.
protocol StoredState {
    func write(to writer: inout StateWriter)
    /// Fills a fresh state of the same kind; false when the bytes are no such state.
    mutating func read(from reader: inout StateReader) -> Bool
}

extension WideInteger {
    fileprivate func write(to writer: inout StateWriter) { for limb in limbs { writer.append(limb) } }

    fileprivate init?(from reader: inout StateReader, limbCount: Int) {
        var limbs: [UInt64] = []
        limbs.reserveCapacity(limbCount)
        for _ in 0..<limbCount {
            guard let limb = reader.read(UInt64.self) else { return nil }
            limbs.append(limb)
        }
        self.init(magnitude: limbs)
    }
}

extension WideSum {
    fileprivate func write(to writer: inout StateWriter) { units.write(to: &writer) }

    fileprivate init?(from reader: inout StateReader) {
        guard let units = WideInteger(from: &reader, limbCount: Self.limbCount) else { return nil }
        self.init(units: units)
    }
}

/// A base of exact sums: none, or one at which every double's place is inside 128 bits.
private func isBase(_ base: Int32) -> Bool { base == ExactSum.noBase || (1...ExactSum.baseMax).contains(base) }

/// `wide u8 | value 16, base i32` or `wide u8 | 34 limbs`
extension ExactSum: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(wide == nil ? UInt8(0) : 1)
        if let wide { return wide.write(to: &writer) }
        writer.append(value)
        writer.append(base)
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let isWide = reader.read(UInt8.self) else { return false }
        if isWide != 0 {
            guard let wide = WideSum(from: &reader) else { return false }
            self.wide = wide
            return true
        }
        guard let value = reader.read(Int128.self), let base = reader.read(Int32.self), isBase(base) else {
            return false
        }
        (self.value, self.base) = (value, base)
        return true
    }
}

/// `count | wide u8 | sum 16, squares 32, base i32` or `count | wide u8 | 34 limbs, 68 limbs`
extension ExactMoments: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(count: valueCount)
        writer.append(wide == nil ? UInt8(0) : 1)
        if let wide {
            wide.sum.write(to: &writer)
            return wide.squares.write(to: &writer)
        }
        writer.append(sum)
        writer.append(squares.low)
        writer.append(squares.high)
        writer.append(base)
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let count = reader.readNumber(), let isWide = reader.read(UInt8.self) else { return false }
        valueCount = Int64(truncatingIfNeeded: count)
        if isWide != 0 {
            var wide = WideMoments()
            guard let sum = WideSum(from: &reader),
                let squares = WideInteger(from: &reader, limbCount: 2 * WideSum.limbCount)
            else { return false }
            (wide.sum, wide.squares) = (sum, squares)
            self.wide = wide
            return true
        }
        guard let sum = reader.read(Int128.self), let low = reader.read(UInt128.self),
            let high = reader.read(UInt128.self), let base = reader.read(Int32.self), isBase(base)
        else { return false }
        self.sum = sum
        squares = UInt256(low: low, high: high)
        self.base = base
        return true
    }
}

/// `dense u8 | registers, a byte each` or `dense u8 | count | registers u32, ascending`. The precision is the kind's.
extension HyperLogLog: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(dense.isEmpty ? UInt8(0) : 1)
        if !dense.isEmpty { return writer.bytes.append(contentsOf: dense) }
        sparse.withEntries { entries in
            writer.append(count: entries.count)
            for entry in entries { writer.append(entry.bits) }
        }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let isDense = reader.read(UInt8.self) else { return false }
        if isDense != 0 {
            var registers: [UInt8] = []
            registers.reserveCapacity(1 << precision)
            for _ in 0..<(1 << precision) {
                guard let rank = reader.read(UInt8.self), rank <= 64 else { return false }
                registers.append(rank)
            }
            dense = registers
            return true
        }
        guard let count = reader.readCount(itemBytes: 4) else { return false }
        for _ in 0..<count {
            guard let bits = reader.read(UInt32.self), Int(bits >> 6) < 1 << precision else { return false }
            put(Int(bits >> 6), rank: Int(bits & 63))
        }
        return true
    }
}

/// `count | buckets u64, ascending`. The accuracy is the kind's.
extension DDSketch: StoredState {
    func write(to writer: inout StateWriter) {
        buckets.withEntries { entries in
            writer.append(count: entries.count)
            for entry in entries { writer.append(entry.bits) }
        }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let count = reader.readCount(itemBytes: 8) else { return false }
        for _ in 0..<count {
            guard let bits = reader.read(UInt64.self) else { return false }
            buckets.insert(Bucket(bits: bits))
        }
        return true
    }
}

/// `overflowed u8 | count | per value: key u64, count`
extension DistinctValues: StoredState {
    func write(to writer: inout StateWriter) {
        let all = settled
        writer.append(all.hasOverflowed ? UInt8(1) : 0)
        all.entries.withEntries { entries in
            writer.append(count: entries.count)
            for entry in entries {
                writer.append(entry.key)
                writer.append(count: entry.count)
            }
        }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let overflowed = reader.read(UInt8.self), let count = reader.readCount(itemBytes: 9) else { return false }
        for _ in 0..<count {
            guard let key = reader.read(UInt64.self), let times = reader.readNumber() else { return false }
            entries.insert(Entry(key: key, count: Int64(truncatingIfNeeded: times)))
        }
        if overflowed != 0 { overflow() }
        return true
    }
}

/// `overflowed u8 | count | per string: bytes, count`
extension DistinctStrings: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(isOverflowed ? UInt8(1) : 0)
        writer.append(count: distinctCount ?? 0)
        forEach { string, count in
            writer.append(string: string)
            writer.append(count: count)
        }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let overflowed = reader.read(UInt8.self), let count = reader.readCount(itemBytes: 2) else { return false }
        for _ in 0..<count {
            guard let string = reader.readString(), let times = reader.readNumber() else { return false }
            add(string, count: Int64(truncatingIfNeeded: times))
        }
        if overflowed != 0 { overflow() }
        return true
    }
}

/// `count | values u64, newest first`. Form and limit are the kind's.
extension EndValues: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(count: count)
        for value in values.reversed() { writer.append(value) }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let count = reader.readCount(itemBytes: 8), count <= limit else { return false }
        for _ in 0..<count {
            guard let value = reader.read(UInt64.self) else { return false }
            extendOlder(value)
        }
        return true
    }
}

/// `count | strings, newest first`. Form and limit are the kind's.
extension EndStrings: StoredState {
    func write(to writer: inout StateWriter) {
        writer.append(count: count)
        forEachNewestFirst { writer.append(string: $0) }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let count = reader.readCount(), count <= limit else { return false }
        for _ in 0..<count {
            guard let string = reader.readString() else { return false }
            extendOlder(string)
        }
        return true
    }
}

/// `count | per band: index i64, low u64, high i64`
extension DecayedSum: StoredState {
    func write(to writer: inout StateWriter) {
        bands.withEntries { entries in
            writer.append(count: entries.count)
            for band in entries {
                writer.append(band.index)
                writer.append(band.low)
                writer.append(band.high)
            }
        }
    }

    mutating func read(from reader: inout StateReader) -> Bool {
        guard let count = reader.readCount(itemBytes: 24) else { return false }
        for _ in 0..<count {
            guard let index = reader.read(Int64.self), let low = reader.read(UInt64.self),
                let high = reader.read(Int64.self)
            else { return false }
            take(Band(index: index, low: low, high: high))
        }
        return true
    }
}
