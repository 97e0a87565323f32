// Rows of an export on their way to files, a file a day until memory is short:
//
//   pages, by entity --> days' rows in memory --over the budget--> the largest days are written: part-00000, part-00001 ...
//                                             --at the end-------> all of them
//
// The rows decide when, not the pages that they came in, so the same rows make the same files.

import ArrowTables
import FeatureModel
import WireProtocol

struct ExportDays {
    private let names: ExportColumns
    private let schema: HistorySchemaMessage
    /// Of rows in memory.
    private let bytesMax: Int
    /// Takes a whole file's rows; nil counts only.
    private let write: ((_ date: String, _ part: Int, _ table: Table) throws -> Void)?
    private var days: [Int64: ExportDay] = [:]
    private var byteCount = 0
    private(set) var rows = 0
    private(set) var rowsByDate: [String: Int] = [:]
    private(set) var entities = 0
    private var lastKey: [UInt8]?
    private(set) var firstTime: Int64?
    private(set) var lastTime: Int64?

    private static let dayMicroseconds: Int64 = 86_400_000_000
    /// Of one day: Arrow has 32-bit offsets into a column's text.
    private static let dayBytesMax = 1 << 30

    init(
        _ schema: HistorySchemaMessage,
        _ names: ExportColumns,
        bytesMax: Int,
        write: ((String, Int, Table) throws -> Void)?
    ) {
        self.schema = schema
        self.names = names
        self.bytesMax = bytesMax
        self.write = write
    }

    mutating func append(_ reply: HistoryPageReply) throws {
        let page = ExportedRows(reply)
        let fixed = (4 + schema.joinKeys.count + schema.columns.count) * 9 + 16
        var row = 0
        for run in reply.runs {
            if run.key != lastKey {
                entities += 1
                lastKey = run.key
            }
            let end = row + run.rows
            while row < end {
                let day = Self.day(of: reply.times[row])
                let start = row
                let target = day.map { days[$0] ?? add($0) } ?? days[.max] ?? add(.max)
                var isFull = false
                while row < end, !isFull, Self.day(of: reply.times[row]) == day {
                    var bytes = fixed + run.key.count
                    for starts in page.textStarts where !starts.isEmpty { bytes += starts[row + 1] - starts[row] }
                    target.byteCount += bytes
                    byteCount += bytes
                    row += 1
                    isFull = byteCount > bytesMax || target.byteCount > Self.dayBytesMax
                }
                rows += row - start
                firstTime = min(firstTime ?? .max, reply.times[start])
                lastTime = max(lastTime ?? .min, reply.times[row - 1])
                guard write != nil else {
                    rowsByDate[Self.date(day ?? .max), default: 0] += row - start
                    byteCount = 0
                    target.byteCount = 0
                    continue
                }
                target.append(start..<row, of: page, key: run.key)
                if isFull { try spill() }
            }
        }
    }

    /// Writes what is left.
    mutating func finish() throws {
        guard write != nil else { return }
        for day in days.keys.sorted() { try flush(day) }
    }

    /// Writes the largest days until half of the budget is free.
    private mutating func spill() throws {
        let largest = days.filter { $0.value.count > 0 }.sorted {
            ($1.value.byteCount, $0.key) < ($0.value.byteCount, $1.key)
        }
        for (day, rows) in largest where byteCount > bytesMax / 2 || rows.byteCount > Self.dayBytesMax {
            try flush(day)
        }
    }

    private mutating func flush(_ day: Int64) throws {
        guard let rows = days[day], rows.count > 0 else { return }
        let date = Self.date(day)
        try write?(date, rows.parts, try rows.table(names))
        rowsByDate[date, default: 0] += rows.count
        byteCount -= rows.byteCount
        let next = ExportDay(schema)
        next.parts = rows.parts + 1
        days[day] = next
    }

    private mutating func add(_ day: Int64) -> ExportDay {
        let added = ExportDay(schema)
        days[day] = added
        return added
    }

    /// Days since the epoch; nil for times that no calendar text has.
    private static func day(of time: Int64) -> Int64? {
        guard time >= earliest, time < latest else { return nil }
        return time >= 0 ? time / dayMicroseconds : (time + 1) / dayMicroseconds - 1
    }

    // Of the years 1 to 9999.
    private static let earliest: Int64 = -62_135_596_800_000_000
    private static let latest: Int64 = 253_402_300_800_000_000

    /// What a partition is called: Hive's own word for one without a date.
    private static func date(_ day: Int64) -> String {
        guard day != .max else { return "__HIVE_DEFAULT_PARTITION__" }
        return String(Instant(microseconds: day * dayMicroseconds).iso8601.prefix(10))
    }
}
