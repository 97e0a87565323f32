// One row of a batch, where it stands.
//
//   words --> time | stride | arrival | stride | stream | offset | nulls | key | column 0 | column 1 ...

/// A row that is about to be copied out of its batch. Valid until the batch changes: never stored.
struct BatchRow {
    let number: Int
    unowned(unsafe) let batch: EventBatch
    /// The row's event time; each further array stands `stride` words behind.
    let words: UnsafePointer<UInt64>
    let stride: Int

    @inline(__always)
    init(_ number: Int, of batch: EventBatch) {
        self.number = number
        self.batch = batch
        (words, stride) = batch.words(of: number)
    }

    @inline(__always)
    var order: EventOrder {
        EventOrder(
            time: Int64(bitPattern: words[0]),
            stream: words[2 * stride],
            offset: Int64(bitPattern: words[3 * stride])
        )
    }

    @inline(__always)
    var arrival: Int64 { Int64(bitPattern: words[stride]) }

    /// Null bits, set too for columns that the batch does not have.
    @inline(__always)
    var nulls: UInt64 { words[4 * stride] | EventBatch.missingColumns(from: batch.columnCount) }

    /// The first column's slot.
    @inline(__always)
    var columns: UnsafePointer<UInt64> { words + EventBatch.fixedArrays * stride }
}
