// What a row of a file is: its content. The place in a file, the file, its format and the run that reads it do not matter.
//
//   sum     XXH64(event time, seed 0) + for each field that is not null:  XXH64(value, seed XXH64(name, seed 0))
//   offset  XXH64(sum, seed ordinal) >> 1         63 bits
//
// All sums are modulo 2^64, so that the order of fields does not matter, nor a field that is added and null. A number is
// hashed as the 8 bytes of its slot, least significant first, text as its bytes. The ordinal counts the rows of equal time
// and sum that one run meets, from 0. The timestamp field is the event time and is no field beside it.
// docs/decisions/0032-batch-rows-by-content.md says why; the bytes are part of the format and never change.

import Windowing

/// Tells the rows of files apart by their content.
public enum RowContent {
    /// What a field's values are hashed with.
    public static func seed(ofField name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { StableHash64.hash(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Begins the sums of rows by their event times.
    public static func sums(times: [Int64]) -> [UInt64] {
        times.map { StableHash64.hash(slot: UInt64(bitPattern: $0)) }
    }

    /// Adds a field of numbers to the sums of rows.
    ///
    /// - Parameter isValid: one a row, as of slots and sums.
    public static func add(_ slots: [UInt64], isValid: [Bool], seed: UInt64, to sums: inout [UInt64]) {
        for row in sums.indices where isValid[row] { sums[row] &+= StableHash64.hash(slot: slots[row], seed: seed) }
    }

    /// What a string adds to its row's sum.
    public static func term(_ utf8: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        StableHash64.hash(bytes: utf8, seed: seed)
    }

    /// The offset of a row.
    public static func offset(sum: UInt64, ordinal: UInt64) -> Int64 {
        Int64(bitPattern: StableHash64.hash(slot: sum, seed: ordinal) >> 1)
    }
}
