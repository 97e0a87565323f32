extension FunctionInput {
    /// HyperLogLog's estimate; its relative standard error is 1.04 / sqrt(2^precision).
    func approxCountDistinct() -> FunctionResult {
        switch state?.pointee {
        case .hashedSlots(let hashed)?: FunctionResult(hashed.sketch.estimate)
        case .hashedStrings(let hashed)?: FunctionResult(hashed.sketch.estimate)
        default: .null
        }
    }
}
