// Rows in the order of (key, T, row), by counting: each pass orders by one byte, the least significant first, and keeps what
// the passes before it did.
//
//   key     common prefix | 8 bytes of each key, as a number | ...rest: compared at the end, where there is one
//   T       64 bits
//
// A byte that all rows have in common costs no pass: labels of 100,000 users in the order of time take three.

import FeatureModel

extension LabelRows {
    /// Row numbers by (key, T, row). Keys are compared byte by byte.
    public func ordered() -> [UInt32] {
        guard count > 1 else { return (0..<count).map { UInt32($0) } }
        return keys.withView { keys in
            if isOrdered(keys) { return (0..<count).map { UInt32($0) } }
            let (prefixes, isWhole) = self.prefixes(keys)
            var order = (0..<UInt32(count)).map { $0 }
            if zip(asOf, asOf.dropFirst()).contains(where: { $0 > $1 }) {
                let sign: UInt64 = 1 << 63
                Self.order(&order, by: asOf.map { UInt64(bitPattern: $0.microseconds) ^ sign })
            }
            Self.order(&order, by: prefixes)
            if !isWhole { finish(&order, prefixes, keys) }
            return order
        }
    }

    private func isOrdered(_ keys: PackedKeysView) -> Bool {
        for row in 1..<count {
            let order = keys.order(row - 1, row)
            if order > 0 || (order == 0 && asOf[row] < asOf[row - 1]) { return false }
        }
        return true
    }

    /// Eight bytes of each key behind what all have in common; and whether these tell all keys apart.
    private func prefixes(_ keys: PackedKeysView) -> (numbers: [UInt64], isWhole: Bool) {
        let first = keys[0]
        var common = first.count
        var isOneLength = true
        for row in 1..<count {
            let key = keys[row]
            if key.count != first.count { isOneLength = false }
            common = min(common, key.count)
            var same = 0
            while same < common, key[same] == first[same] { same += 1 }
            common = same
        }
        let numbers = (0..<count).map { row in
            let key = keys[row]
            var number: UInt64 = 0
            for place in common..<(common + 8) { number = number << 8 | (place < key.count ? UInt64(key[place]) : 0) }
            return number
        }
        return (numbers, isOneLength && first.count <= common + 8)
    }

    /// Orders rows by a number each; equal ones stay as they are.
    private static func order(_ order: inout [UInt32], by numbers: [UInt64]) {
        var counts = Array(repeating: UInt32(0), count: 8 * 256)
        for number in numbers {
            for byte in 0..<8 { counts[byte * 256 + Int(number >> UInt64(byte * 8) & 255)] += 1 }
        }
        var moved = order
        for byte in 0..<8 {
            let own = counts[(byte * 256)..<(byte * 256 + 256)]
            if own.contains(UInt32(numbers.count)) { continue }
            var places: [UInt32] = []
            var place: UInt32 = 0
            for count in own {
                places.append(place)
                place += count
            }
            for row in order {
                let digit = Int(numbers[Int(row)] >> UInt64(byte * 8) & 255)
                moved[Int(places[digit])] = row
                places[digit] += 1
            }
            swap(&order, &moved)
        }
    }

    /// Orders the rows whose numbers are equal although their keys may differ.
    private func finish(_ order: inout [UInt32], _ numbers: [UInt64], _ keys: PackedKeysView) {
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, numbers[Int(order[end])] == numbers[Int(order[start])] { end += 1 }
            if (start + 1..<end).contains(where: { !keys.areEqual(Int(order[$0 - 1]), Int(order[$0])) }) {
                order[start..<end].sort { a, b in
                    let (left, right) = (Int(a), Int(b))
                    let order = keys.order(left, right)
                    return order != 0 ? order < 0 : (asOf[left], left) < (asOf[right], right)
                }
            }
            start = end
        }
    }
}
