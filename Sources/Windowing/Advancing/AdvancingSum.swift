// A window's exact sum as the window moves forward: what enters is added, what leaves is taken away. Exact sums form a
// group, so the result is the same number as that of a sum made anew, and rounds to the same bits.

extension ColumnAccumulator {
    /// Moves the sum of the events `old` to the events `new`, neither of whose ends lies before that of `old`.
    mutating func moveSum(_ slots: UnsafePointer<UInt64>, _ kind: ColumnKind, from old: Range<Int>, to new: Range<Int>)
    {
        let left = new.lowerBound - old.lowerBound
        let entered = new.upperBound - old.upperBound
        // The shorter way; and a sum that grew wide becomes small again when its window has moved on.
        let isAnew = left + entered >= new.count
        switch kind {
        case .integer:
            if isAnew {
                integerSum = 0
                addIntegers(slots, new)
            } else {
                for place in old.lowerBound..<new.lowerBound { integerSum -= Int128(Int64(bitPattern: slots[place])) }
                addIntegers(slots, old.upperBound..<new.upperBound)
            }
        case .double:
            if isAnew {
                doubleSum = ExactSum()
                addDoubles(slots, new)
            } else {
                for place in old.lowerBound..<new.lowerBound { doubleSum.add(-Double(bitPattern: slots[place])) }
                addDoubles(slots, old.upperBound..<new.upperBound)
            }
        case .flag, .string: break
        }
    }

    private mutating func addIntegers(_ slots: UnsafePointer<UInt64>, _ range: Range<Int>) {
        for place in range { integerSum += Int128(Int64(bitPattern: slots[place])) }
    }

    private mutating func addDoubles(_ slots: UnsafePointer<UInt64>, _ range: Range<Int>) {
        for place in range { doubleSum.add(Double(bitPattern: slots[place])) }
    }
}
