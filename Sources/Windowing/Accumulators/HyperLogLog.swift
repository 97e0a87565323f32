// The number of distinct values, approximately: HyperLogLog (P. Flajolet and others, 2007).
//
//   hash:      | p bits: register | 64 - p bits: ...0001xxxx |      rank = leading zeros + 1, at most 65 - p
//   register:  the largest rank seen, 0 for none
//
//   sparse:    sorted (register << 6 | rank), 4 bytes each; the first 10 within the value: 64 bytes, nothing allocated
//   dense:     2^p bytes, from `sparseMax` registers on
//
// The registers are a function of the set of hashes, and the estimate (see `HyperLogLog+Estimate`) of the registers, so
// neither order, nor grouping, nor the representation shows in the result. The standard error is 1.04 / sqrt(2^p):
// 3.3 % for p = 10, 1.6 % for 12, 0.4 % for 16.

public struct HyperLogLog: Sendable {
    @usableFromInline
    struct Register: SortedEntry {
        @usableFromInline var bits: UInt32
        @inlinable
        init(bits: UInt32) { self.bits = bits }
        @inlinable var key: UInt32 { bits &>> 6 }
        @inlinable static var filler: Register { Register(bits: 0) }
        @inlinable
        mutating func absorb(_ other: Register) { bits = max(bits, other.bits) }
    }

    /// One rank a register; empty while sparse.
    @usableFromInline var dense: [UInt8]
    @usableFromInline var sparse: SortedEntries<10, Register>
    @usableFromInline var precisionByte: UInt8

    public static let precisions = 10...16

    /// Precisions outside `precisions` are brought into it.
    public init(precision: Int = 12) {
        dense = []
        sparse = SortedEntries()
        precisionByte = UInt8(min(max(precision, Self.precisions.lowerBound), Self.precisions.upperBound))
    }

    /// Bytes outside of the value.
    var heapBytes: Int { dense.capacity + sparse.heapBytes }

    public var precision: Int { Int(precisionByte) }

    /// Beyond this many registers the sparse form would be slow, and not much smaller.
    @usableFromInline var sparseMax: Int { min(512, (1 << precision) / 16) }

    /// Adds a value by its hash (`StableHash64`).
    @inlinable
    public mutating func add(hash: UInt64) {
        let precision = UInt64(precisionByte)
        let register = Int(truncatingIfNeeded: hash &>> (64 &- precision))
        // The bit below the hash ends the count where the hash has no more bits.
        let rank = (hash &<< precision | 1 &<< (precision &- 1)).leadingZeroBitCount &+ 1
        put(register, rank: rank)
    }

    @inlinable
    mutating func put(_ register: Int, rank: Int) {
        if dense.isEmpty {
            sparse.insert(Register(bits: UInt32(truncatingIfNeeded: register &<< 6 | rank)))
            if sparse.count > sparseMax { densify() }
        } else if dense[register] < UInt8(truncatingIfNeeded: rank) {
            dense[register] = UInt8(truncatingIfNeeded: rank)
        }
    }

    /// Adds all values of another sketch. Of two precisions the lower one remains, with what it would have counted.
    public mutating func merge(_ other: HyperLogLog) {
        if precisionByte != other.precisionByte {
            let common = min(precision, other.precision)
            self = folded(to: common)
            merge(other.folded(to: common))
            return
        }
        if other.dense.isEmpty {
            if dense.isEmpty {
                sparse.merge(other.sparse)
                if sparse.count > sparseMax { densify() }
            } else {
                takeUp(other.sparse)
            }
            return
        }
        if dense.isEmpty {
            let own = sparse
            self = other
            takeUp(own)
            return
        }
        let count = dense.count
        dense.withUnsafeMutableBufferPointer { own in
            other.dense.withUnsafeBufferPointer { theirs in
                for index in 0..<count { own[index] = max(own[index], theirs[index]) }
            }
        }
    }

    @usableFromInline
    mutating func densify() {
        dense = [UInt8](repeating: 0, count: 1 << precision)
        let registers = sparse
        sparse = SortedEntries()
        takeUp(registers)
    }

    private mutating func takeUp(_ registers: SortedEntries<10, Register>) {
        registers.withEntries { entries in
            for entry in entries {
                let register = Int(entry.key)
                dense[register] = max(dense[register], UInt8(truncatingIfNeeded: entry.bits & 63))
            }
        }
    }
}
