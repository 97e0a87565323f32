import ArgumentParser
import FeatureHistory
import FeatureModel
import Glibc
import Windowing

struct WindowsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows",
        abstract: "Measure updates and reads of one entity's windows, and the bytes that events and entities take.",
        discussion: """
            Events over 30 days with two random two-decimal doubles. One figure a line, as name=value.

              strandline-bench windows --data /tmp/fresh
            """
    )

    @Option(help: "An empty or new directory for the store that is measured on disk.")
    var data: String

    @Option(help: "Events of the large entity.")
    var events = 1_000_000

    private static let day: Int64 = 86_400_000_000

    /// How an event's time lies behind the one that would be in order.
    private enum Lateness: CaseIterable {
        case none
        /// One event in ten, exponentially distributed with a mean of one hour.
        case exponential
        /// One event in ten, anywhere in the 30 days before.
        case uniform
    }

    func run() throws {
        let inOrder = update(.none)
        let late = update(.exponential)
        let lateUniform = update(.uniform)
        printLine(["update_ns_inorder": fixed(inOrder, 1)])
        printLine(["update_ns_10pct_late": fixed(late, 1)])
        printLine(["update_late_vs_inorder": fixed(late / inOrder, 3)])
        printLine(["update_ns_10pct_late_uniform_30d": fixed(lateUniform, 1)])
        printLine(["update_late_uniform_vs_inorder": fixed(lateUniform / inOrder, 3)])
        let few = read(100)
        let many = read(events)
        printLine(["read_us_30d_100_events": fixed(few / 1000, 3)])
        printLine(["read_us_30d_1m_events": fixed(many / 1000, 3)])
        printLine(["read_1m_events_vs_100_events": fixed(many / few, 3)])
        printLine(["read_us_attribute_100_events": fixed(read(100, Self.attribute) / 1000, 3)])
        printLine(["read_us_attribute_1m_events": fixed(read(events, Self.attribute) / 1000, 3)])
        for categories in [10, 100, 1000] {
            let grouped = read(events, Self.windows(isGrouped: true), categories: categories)
            printLine(["read_us_30d_1m_events_by_\(categories)": fixed(grouped / 1000, 3)])
        }
        try DiskBytes(folder: data).measure()
    }

    // MARK: One entity in memory

    private func batch(_ count: Int, _ lateness: Lateness) -> EventBatch {
        var random = SplitMix(state: 1)
        let batch = EventBatch(types: [.float64, .float64], capacity: count)
        _ = batch.appendRows(count)
        for row in 0..<count {
            var time = Int64(Double(row) / Double(count) * 30 * Double(Self.day))
            if lateness != .none, random.next() % 10 == 0 {
                time -= Int64(
                    lateness == .uniform ? random.unit() * 30 * Double(Self.day) : -log(1 - random.unit()) * 3.6e9
                )
            }
            batch.fill(row, time: time, offset: Int64(row), &random)
        }
        return batch
    }

    /// Nanoseconds an event, the second time over, when memory has been touched.
    private func update(_ lateness: Lateness) -> Double {
        let batch = batch(events, lateness)
        var best = Double.infinity
        for _ in 0..<2 {
            var entity = EntityEvents()
            let began = Measure.nanoseconds()
            for row in 0..<events { entity.insert(row, of: batch) }
            best = min(best, Double(Measure.nanoseconds() - began) / Double(events))
            entity.free()
        }
        return best
    }

    /// Count, sum, mean and max over 30 days; grouped, each is a map by the second column.
    private static func windows(isGrouped: Bool = false) -> WindowPlan {
        WindowPlan(
            [AggregateFunction.count, .sum, .mean, .max].map {
                PlannedAggregation(
                    function: $0,
                    column: (0, .float64),
                    groupBy: isGrouped ? (1, .float64) : nil,
                    window: .sliding(microseconds: 30 * day),
                    offset: 0,
                    defaultValue: nil,
                    availableFrom: .distantPast
                )
            }
        )
    }

    /// Both columns of the newest version.
    private static let attribute = WindowPlan(
        [],
        attributes: (0..<2).map { PlannedAttribute(column: ($0, .float64), availableFrom: .distantPast) }
    )

    /// Nanoseconds of a read as of random instants of the last hour.
    ///
    /// - Parameter categories: the second column has so many values.
    private func read(_ count: Int, _ plan: WindowPlan = windows(), categories: Int? = nil) -> Double {
        let batch = batch(count, .exponential)
        if let categories {
            for row in 0..<count { batch.column(1)[row] = Double(row.hashed % categories).bitPattern }
        }
        var entity = EntityEvents()
        defer { entity.free() }
        for row in 0..<count { entity.insert(row, of: batch) }
        let cells = FeatureCells(capacity: 4)
        var random = SplitMix(state: 2)
        func readOnce() {
            let asOf = Instant(microseconds: 30 * Self.day - Int64(random.unit() * 3.6e9))
            plan.evaluate(
                entity,
                asOf: asOf,
                knownAt: .distantFuture,
                boundary: .strict,
                into: cells,
                outputs: [0, 1, 2, 3]
            )
        }
        for _ in 0..<(categories == nil ? 1000 : 10) { readOnce() }
        let reads = categories == nil ? 50_000 : 500
        let began = Measure.nanoseconds()
        for _ in 0..<reads { readOnce() }
        return Double(Measure.nanoseconds() - began) / Double(reads)
    }
}

/// A small generator of random numbers, the same on every run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// In 0 ..< 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

extension Int {
    /// Not negative, and the same on every run.
    fileprivate var hashed: Int {
        var random = SplitMix(state: UInt64(self))
        return Int(random.next() >> 2)
    }
}

extension EventBatch {
    /// Fills a row with two amounts of at most 999.99.
    func fill(_ row: Int, time: Int64, offset: Int64, _ random: inout SplitMix) {
        times[row] = time
        arrivals[row] = offset
        streams[row] = 1 << 48 | 1 << 32
        offsets[row] = offset
        nulls[row] = 0
        keys[row] = 0
        column(0)[row] = (Double(random.next() % 100_000) / 100).bitPattern
        column(1)[row] = (Double(random.next() % 100_000) / 100).bitPattern
    }
}
