/// The rows that an evaluation reads: columns of slots, as in an `EventBatch`. Lent for the length of a call.
///
///     columns[i]   u64 | ...   slots of input i: int64 and timestamp bits, double bits, bool 0 or 1, a string's
///                              offset << 32 | length into `strings`; what stands in a null row is not looked at
///     nulls        u64 | ...   bit i set: input i of the row is null
///     strings      UTF-8 bytes
public struct ExpressionColumns {
    /// The most inputs: one bit of a null word for each.
    public static let inputCountMax = 64

    /// By input, numbered as the expression was compiled. Inputs that no expression reads may be any pointer.
    public var columns: [UnsafePointer<UInt64>]
    public var nulls: UnsafePointer<UInt64>
    public var strings: UnsafeRawBufferPointer

    public init(
        columns: [UnsafePointer<UInt64>],
        nulls: UnsafePointer<UInt64>,
        strings: UnsafeRawBufferPointer
    ) {
        self.columns = columns
        self.nulls = nulls
        self.strings = strings
    }
}
