// The slow ways of exact moments: another base, or the wide form.
//
//   WideMoments   sum      34 limbs in units of 2^-1074
//                 squares  68 limbs in units of 2^-2148: 2148 + 2048 bits for one square and 156 for carries

@usableFromInline
struct WideMoments: Sendable {
    var sum = WideSum()
    var squares = WideInteger(limbCount: 2 * WideSum.limbCount)

    init() {}

    mutating func add(sum magnitude: UInt128, isNegative: Bool, squares: UInt256, base: Int32, negated: Bool) {
        if squares.isZero { return }
        sum.add(magnitude: magnitude, isNegative: isNegative != negated, exponent: base - 1075)
        let place = 2 * (Int(base) - 1)
        self.squares.add(squares.low, isNegative: negated, at: place)
        self.squares.add(squares.high, isNegative: negated, at: place + 128)
    }
}

extension ExactMoments {
    @usableFromInline
    mutating func addSlowly(_ x: Double) {
        guard x.isFinite else { return }
        valueCount &+= 1
        if x == 0 { return }
        let bits = x.bitPattern
        let field = Int32(truncatingIfNeeded: bits &>> 52) & 0x7ff
        let fraction = bits & 0x000f_ffff_ffff_ffff
        let mantissa = UInt128(field == 0 ? fraction : fraction | 1 << 52)
        place(ExactMoments(magnitude: mantissa, isNegative: x < 0, base: max(1, field)), negated: false)
    }

    @usableFromInline
    mutating func addSlowly(_ x: Int64) {
        combine(
            ExactMoments(magnitude: UInt128(x.magnitude), isNegative: x < 0, base: Self.integerBase),
            negated: false
        )
        valueCount &+= 1
    }

    /// The sums of a single value, not counted.
    private init(magnitude: UInt128, isNegative: Bool, base: Int32) {
        self.init()
        self.base = base
        _ = addQuickly(magnitude, isNegative: isNegative)
        valueCount = 0
    }

    /// Adds or takes away another accumulator.
    @usableFromInline
    mutating func combine(_ other: ExactMoments, negated: Bool) {
        valueCount = negated ? valueCount &- other.valueCount : valueCount &+ other.valueCount
        if let theirs = other.wide {
            widen()
            if negated { wide?.sum.subtract(theirs.sum) } else { wide?.sum.add(theirs.sum) }
            wide?.squares.add(theirs.squares, negated: negated)
        } else if squares.isZero, wide == nil, !negated {
            // The other's base comes with it: columns of one kind keep to one base.
            (sum, squares, base) = (other.sum, other.squares, other.base)
        } else {
            place(other, negated: negated)
        }
    }

    /// Adds or takes away sums that are not wide.
    private mutating func place(_ other: ExactMoments, negated: Bool) {
        if other.squares.isZero { return }
        if wide == nil, placeNarrowly(other, negated: negated) { return }
        widen()
        wide?.add(
            sum: other.sum.magnitude,
            isNegative: other.sum < 0,
            squares: other.squares,
            base: other.base,
            negated: negated
        )
    }

    /// Brings both to a base where their sums and squares fit; false when there is none.
    private mutating func placeNarrowly(_ other: ExactMoments, negated: Bool) -> Bool {
        var low = other.low
        var top = other.top
        if !squares.isZero {
            low = min(low, self.low)
            top = max(top, self.top)
        }
        // One place for the carry; squares below 2^(2t) then have two.
        top += 1
        var chosen = ExactSum.base(low: min(low, other.base), top: top) ?? ExactSum.base(low: low, top: top)
        if base == other.base, base <= low, top <= base + ExactSum.width { chosen = base }
        guard let chosen else { return false }
        let (ours, ourSquares) = moved(to: chosen)
        let (theirs, theirSquares) = other.moved(to: chosen)
        sum = negated ? ours &- theirs : ours &+ theirs
        squares = negated ? ourSquares &- theirSquares : ourSquares.addingReportingOverflow(theirSquares).partialValue
        base = chosen
        return true
    }

    /// The lowest place in use.
    private var low: Int32 {
        base + Int32(min(sum.trailingZeroBitCount, squares.trailingZeroBitCount / 2))
    }

    /// The place above the highest in use.
    private var top: Int32 {
        base + Int32(max(128 - sum.magnitude.leadingZeroBitCount, (squares.bitCount + 1) / 2))
    }

    private func moved(to other: Int32) -> (Int128, UInt256) {
        if squares.isZero { return (0, squares) }
        let places = Int(base - other)
        let up = UInt128(max(0, places))
        let down = UInt128(max(0, -places))
        let magnitude = Int128(truncatingIfNeeded: (sum.magnitude << up) >> down)
        return (sum < 0 ? 0 &- magnitude : magnitude, squares.moved(by: 2 * places))
    }

    private mutating func widen() {
        guard wide == nil else { return }
        var fresh = WideMoments()
        fresh.add(sum: sum.magnitude, isNegative: sum < 0, squares: squares, base: base, negated: false)
        wide = fresh
        sum = 0
        squares = UInt256()
        base = ExactSum.noBase
    }
}
