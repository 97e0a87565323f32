// The choice behind `top_k`: the places of the largest counts, equal ones in ascending order of place.

enum LargestCounts {
    /// `counts` stand in ascending order of value, so equal counts come in ascending order of value too.
    static func places(_ k: Int, of counts: some RandomAccessCollection<Int64>) -> [Int] {
        guard k > 0 else { return [] }
        if k > 100 {
            // Insertion would cost k each.
            let ranked = counts.enumerated().sorted {
                $0.element != $1.element ? $0.element > $1.element : $0.offset < $1.offset
            }
            return ranked.prefix(k).map(\.offset)
        }
        var best: [(count: Int64, place: Int)] = []
        best.reserveCapacity(min(k, counts.count))
        for (place, count) in counts.enumerated() {
            // A later place needs a larger count, never an equal one.
            if best.count == k, let last = best.last, count <= last.count { continue }
            var low = 0
            var high = best.count
            while low < high {
                let middle = (low + high) / 2
                if best[middle].count >= count { low = middle + 1 } else { high = middle }
            }
            if best.count == k { best.removeLast() }
            best.insert((count, place), at: low)
        }
        return best.map(\.place)
    }
}
