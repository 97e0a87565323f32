// `in` over a list of constants: a binary search a row.

/// A `ConstantSet` with its strings in an evaluator's heap.
struct PreparedSet {
    enum Members {
        case ints([Int64])
        case floats([Double])
        /// Slots.
        case strings([UInt64])
    }

    let members: Members
    let containsNull: Bool

    init(_ set: ConstantSet, _ heap: StringHeap) {
        containsNull = set.containsNull
        switch set.members {
        case .ints(let members): self.members = .ints(members)
        case .floats(let members): self.members = .floats(members)
        case .strings(let members): self.members = .strings(members.compactMap { heap.make($0) })
        }
    }
}

extension Kernel {
    static func isIn(_ a: Lanes, _ set: PreparedSet, _ out: Target, _ count: Int, _ heap: StringHeap) {
        switch set.members {
        case .ints(let members):
            search(a, out, count, set.containsNull) { slot in
                let value = Int64(slot: slot)
                let place = lowerBound(members) { $0 < value }
                return place < members.count && members[place] == value
            }
        case .floats(let members):
            search(a, out, count, set.containsNull) { slot in
                let value = Double(slot: slot)
                let place = lowerBound(members) { $0 < value }
                return place < members.count && members[place] == value
            }
        case .strings(let members):
            search(a, out, count, set.containsNull) { slot in
                let text = heap.text(slot)
                let place = lowerBound(members) { ByteText.compare(heap.text($0), text) < 0 }
                return place < members.count && ByteText.isEqual(heap.text(members[place]), text)
            }
        }
    }

    @inline(__always) private static func search(
        _ a: Lanes,
        _ out: Target,
        _ count: Int,
        _ containsNull: Bool,
        _ isMember: (UInt64) -> Bool
    ) {
        for row in 0..<count {
            let state = a.states[row]
            let isFound = state == State.value && isMember(a.values[row])
            out.values[row] = isFound.slot
            // Not among known values, but perhaps the unknown one.
            out.states[row] = state == State.value && !isFound && containsNull ? State.null : state
        }
    }

    @inline(__always) private static func lowerBound<Member>(
        _ members: [Member],
        _ isBefore: (Member) -> Bool
    ) -> Int {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(members[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
