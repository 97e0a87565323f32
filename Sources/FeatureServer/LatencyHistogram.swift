// How long lookups took, in nanoseconds, in cells that are at most 1/64 of their value wide (an HDR histogram):
//
//   0 ... 127        one cell a nanosecond
//   2^7 ... 2^37     64 cells an octave, up to 137 s; what took longer is counted in the last cell
//
// Cells are atomic numbers that are added to without order and without a lock. One histogram belongs to one event loop, so
// that no two cores write the same line; a reader adds the histograms of all loops.

import Atomics
import NIOCore

/// Durations of one feature service's lookups on one event loop. Any thread may record and read.
final class LatencyHistogram: @unchecked Sendable {
    // Safe to share: the pointers never change, and what they point to is only touched atomically.
    private let cells: UnsafeMutablePointer<UInt64.AtomicRepresentation>
    private let sum: ManagedAtomic<UInt64>
    private let rows: ManagedAtomic<UInt64>

    init() {
        cells = .allocate(capacity: LatencyCells.count)
        cells.initialize(repeating: UInt64.AtomicRepresentation(0), count: LatencyCells.count)
        sum = ManagedAtomic(0)
        rows = ManagedAtomic(0)
    }

    deinit { cells.deallocate() }

    /// Records one lookup of `rows` entities.
    func record(nanoseconds: UInt64, rows: Int) {
        UnsafeAtomic<UInt64>(at: cells + LatencyCells.cell(of: nanoseconds)).wrappingIncrement(ordering: .relaxed)
        sum.wrappingIncrement(by: nanoseconds, ordering: .relaxed)
        self.rows.wrappingIncrement(by: UInt64(clamping: rows), ordering: .relaxed)
    }

    func add(to figures: inout LatencyFigures) {
        for cell in 0..<LatencyCells.count {
            figures.counts[cell] &+= UnsafeAtomic<UInt64>(at: cells + cell).load(ordering: .relaxed)
        }
        figures.sumNanoseconds &+= sum.load(ordering: .relaxed)
        figures.rows &+= rows.load(ordering: .relaxed)
    }
}

extension LatencyHistogram {
    /// Records a lookup that began at `start` and is answered now.
    func record(since start: NIODeadline, rows: Int) {
        let now = NIODeadline.now().uptimeNanoseconds
        record(nanoseconds: now - min(now, start.uptimeNanoseconds), rows: rows)
    }
}

/// Which cell a duration falls in.
enum LatencyCells {
    /// Steps of an octave, as a power of two.
    private static let stepBits = 6
    private static let octaveMax = 36
    static let count = (octaveMax - stepBits + 2) << stepBits

    @inline(__always)
    static func cell(of nanoseconds: UInt64) -> Int {
        let octave = 63 - (nanoseconds | 1).leadingZeroBitCount
        guard octave > stepBits else { return Int(truncatingIfNeeded: nanoseconds) }
        guard octave <= octaveMax else { return count - 1 }
        let shift = octave - stepBits
        // The leading one stands for the octave itself.
        return (shift << stepBits) + Int(truncatingIfNeeded: nanoseconds >> UInt64(shift))
    }

    /// The least duration that lies beyond a cell.
    static func end(of cell: Int) -> UInt64 {
        let shift = max(0, (cell >> stepBits) - 1)
        return UInt64(cell - (shift << stepBits) + 1) << UInt64(shift)
    }
}

/// The figures of one or several histograms at a moment.
package struct LatencyFigures: Sendable {
    var counts = [UInt64](repeating: 0, count: LatencyCells.count)
    package internal(set) var sumNanoseconds: UInt64 = 0
    package internal(set) var rows: UInt64 = 0

    package var count: UInt64 { counts.reduce(0, &+) }

    /// The duration below which this part of the lookups stayed, in nanoseconds, at most 1/64 too high; nil without any.
    ///
    /// - Parameter part: 0.5 for the median, 1 for the longest.
    package func quantile(_ part: Double) -> UInt64? {
        let total = count
        guard total > 0 else { return nil }
        let rank = max(1, UInt64((Double(total) * min(1, max(0, part))).rounded(.up)))
        var seen: UInt64 = 0
        for (cell, count) in counts.enumerated() {
            seen &+= count
            if seen >= rank { return LatencyCells.end(of: cell) - 1 }
        }
        return nil
    }

    /// Lookups that took less than 2^`octave` nanoseconds; exact, since cells end there.
    package func count(belowOctave octave: Int) -> UInt64 {
        let end = UInt64(1) << UInt64(octave)
        return counts.enumerated().reduce(0) { LatencyCells.end(of: $1.offset) <= end ? $0 &+ $1.element : $0 }
    }
}
