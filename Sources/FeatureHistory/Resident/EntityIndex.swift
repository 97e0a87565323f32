// Open addressing with linear probing: entity identity -> slot number.
//
//   cells | hash u32, slot u32 | ...      power of two, at most 7/8 full; slot 0xffffffff marks an empty cell
//
// The identity's bytes stand with the entity; a probe compares 32 bits of hash first, so a hit costs one comparison of
// bytes and a miss almost none. Removal shifts the following cells back, so there are no tombstones to probe over.

struct EntityIndex {
    private struct Cell {
        var hash: UInt32
        var slot: UInt32
    }

    private static let empty = UInt32.max
    private var cells: [Cell]
    private(set) var count = 0

    init() { cells = Array(repeating: Cell(hash: 0, slot: Self.empty), count: 16) }

    var byteCount: Int { cells.count * MemoryLayout<Cell>.size }

    /// - Parameter matches: whether the entity in this slot is the one sought.
    @inline(__always)
    func find(hash: UInt32, matches: (Int) -> Bool) -> Int? {
        let mask = cells.count - 1
        return cells.withUnsafeBufferPointer { cells in
            var index = Int(hash) & mask
            while cells[index].slot != Self.empty {
                if cells[index].hash == hash, matches(Int(cells[index].slot)) { return Int(cells[index].slot) }
                index = (index + 1) & mask
            }
            return nil
        }
    }

    /// For each row the slot in the first cell of its probe, which is the right one in most cases; -1 where it is another
    /// entity's, or nobody's.
    func firstSlots(of hashes: UnsafePointer<UInt64>, into places: UnsafeMutablePointer<Int32>, count: Int) {
        let mask = cells.count - 1
        cells.withUnsafeBufferPointer { cells in
            for row in 0..<count {
                let hash = UInt32(truncatingIfNeeded: hashes[row])
                let cell = cells[Int(hash) & mask]
                places[row] = cell.slot != Self.empty && cell.hash == hash ? Int32(truncatingIfNeeded: cell.slot) : -1
            }
        }
    }

    /// Adds an entity that is not in the index.
    mutating func insert(hash: UInt32, slot: Int) {
        if (count + 1) * 8 > cells.count * 7 { grow() }
        place(Cell(hash: hash, slot: UInt32(slot)))
        count += 1
    }

    mutating func remove(hash: UInt32, slot: Int) {
        let mask = cells.count - 1
        var hole = Int(hash) & mask
        while cells[hole].slot != UInt32(slot) {
            if cells[hole].slot == Self.empty { return }
            hole = (hole + 1) & mask
        }
        var next = (hole + 1) & mask
        while cells[next].slot != Self.empty {
            let home = Int(cells[next].hash) & mask
            // A cell may move back to the hole unless that would put it before its home.
            if (next - home) & mask >= (next - hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = Cell(hash: 0, slot: Self.empty)
        count -= 1
    }

    private mutating func place(_ cell: Cell) {
        let mask = cells.count - 1
        var index = Int(cell.hash) & mask
        while cells[index].slot != Self.empty { index = (index + 1) & mask }
        cells[index] = cell
    }

    private mutating func grow() {
        let old = cells
        cells = Array(repeating: Cell(hash: 0, slot: Self.empty), count: old.count * 2)
        for cell in old where cell.slot != Self.empty { place(cell) }
    }
}
