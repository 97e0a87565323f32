// Operations on strings. They look only at rows that have a value: the slot of any other row points anywhere.

extension Kernel {
    static func compareStrings(
        _ operation: Operation,
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ heap: StringHeap
    ) {
        func order(_ left: UInt64, _ right: UInt64) -> Int { ByteText.compare(heap.text(left), heap.text(right)) }
        func isEqual(_ left: UInt64, _ right: UInt64) -> Bool { ByteText.isEqual(heap.text(left), heap.text(right)) }
        switch operation {
        case .equalString: zipValues(a, b, out, count) { isEqual($0, $1).slot }
        case .notEqualString: zipValues(a, b, out, count) { (!isEqual($0, $1)).slot }
        case .lessString: zipValues(a, b, out, count) { (order($0, $1) < 0).slot }
        case .lessOrEqualString: zipValues(a, b, out, count) { (order($0, $1) <= 0).slot }
        case .notDistinctString: notDistinct(a, b, out, count, isEqual)
        case .greatestString: extreme(a, b, out, count) { order($0, $1) < 0 }
        default: extreme(a, b, out, count) { order($0, $1) > 0 }
        }
    }

    static func testStrings(
        _ operation: Operation,
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int,
        _ heap: StringHeap
    ) {
        switch operation {
        case .startsWith: zipValues(a, b, out, count) { ByteText.hasPrefix(heap.text($0), heap.text($1)).slot }
        case .endsWith: zipValues(a, b, out, count) { ByteText.hasSuffix(heap.text($0), heap.text($1)).slot }
        default: zipValues(a, b, out, count) { ByteText.contains(heap.text($0), heap.text($1)).slot }
        }
    }

    static func like(_ a: Lanes, _ pattern: LikePattern, _ out: Target, _ count: Int, _ heap: StringHeap) {
        mapValues(a, out, count) { pattern.matches(heap.text($0)).slot }
    }

    static func length(_ a: Lanes, _ out: Target, _ count: Int, _ heap: StringHeap) {
        mapValues(a, out, count) { UInt64(ByteText.length(heap.text($0))) }
    }

    static func mapCase(_ a: Lanes, _ mapping: CaseMapping, _ out: Target, _ count: Int, _ heap: StringHeap) {
        mapValues(a, out, count) { slot in
            let length = heap.text(slot).count
            // Beyond this no result could fit; checked first, so that no row reserves more.
            guard length <= StringHeap.stringBytesMax * CaseMapping.shrinkMax else { return nil }
            let room = length * CaseMapping.growthMax
            heap.reserve(room)
            return heap.make(atMost: room) { mapping.map(heap.text(slot), to: $0) }
        }
    }

    static func toString(_ a: Lanes, _ out: Target, _ count: Int, _ heap: StringHeap, _ text: (UInt64) -> String) {
        mapValues(a, out, count) { heap.make(text($0).utf8) }
    }

    /// A part of a string stays where the string is.
    static func substring(
        _ a: Lanes,
        _ start: Lanes,
        _ length: Lanes?,
        _ out: Target,
        _ count: Int,
        _ heap: StringHeap
    ) {
        for row in 0..<count {
            var state = max(a.states[row], start.states[row], length?.states[row] ?? State.value)
            if state == State.value {
                let slot = a.values[row]
                let text = heap.text(slot)
                let wanted = ByteText.substring(
                    start: Int64(slot: start.values[row]),
                    length: length.map { Int64(slot: $0.values[row]) },
                    of: ByteText.length(text)
                )
                if let wanted {
                    let bytes = ByteText.bytes(ofCodePoints: wanted, in: text)
                    out.values[row] = heap.part(of: slot, from: bytes.lowerBound, length: bytes.count)
                } else {
                    state = State.overflow
                }
            }
            out.states[row] = state
        }
    }

    /// All operands one after the other: a long chain copies every byte once.
    /// - Parameter operands: numbers of `registers`.
    static func concatenate(
        _ operands: ArraySlice<Int>,
        _ registers: UnsafePointer<Lanes>,
        _ out: Target,
        _ count: Int,
        _ heap: StringHeap
    ) {
        for row in 0..<count {
            var state = State.value
            for operand in operands { state = max(state, registers[operand].states[row]) }
            if state == State.value {
                if let slot = joined(operands, registers, row, heap) {
                    out.values[row] = slot
                } else {
                    state = State.overflow
                }
            }
            out.states[row] = state
        }
    }

    private static func joined(
        _ operands: ArraySlice<Int>,
        _ registers: UnsafePointer<Lanes>,
        _ row: Int,
        _ heap: StringHeap
    ) -> UInt64? {
        var total = 0
        for operand in operands { total += heap.text(registers[operand].values[row]).count }
        guard total <= StringHeap.stringBytesMax else { return nil }
        heap.reserve(total)
        return heap.make(atMost: total) { target in
            var end = target
            for operand in operands {
                let text = heap.text(registers[operand].values[row])
                if let start = text.baseAddress { end.copyMemory(from: start, byteCount: text.count) }
                end += text.count
            }
            return total
        }
    }
}
