import ArrowTables
import FeatureModel
import WireProtocol

/// The rows of one day that are not written yet, as columns. Owned by one task.
final class ExportDay {
    /// Values of one column: only the arrays of its type are filled.
    private final class Values {
        let type: ValueType
        var numbers: [Int64] = []
        var doubles: [Double] = []
        var flags: [Bool] = []
        var bytes: [UInt8] = []
        var offsets: [Int64] = [0]
        var isValid: [Bool] = []

        init(_ type: ValueType) { self.type = type }

        func column(_ name: String) -> ArrowTables.FeatureColumn {
            let values: ArrowTables.FeatureColumn.Values =
                switch type {
                case .int64: .int64(numbers)
                case .timestamp: .timestamp(numbers.map(Instant.init(microseconds:)))
                case .float64: .float64(doubles)
                case .bool: .bool(flags)
                case .string: .text(bytes: bytes, offsets: offsets)
                }
            return ArrowTables.FeatureColumn(name: name, values: values, isValid: isValid)
        }

        func append(text: UnsafeRawBufferPointer, times: Int) {
            for _ in 0..<times {
                bytes.append(contentsOf: text)
                offsets.append(Int64(bytes.count))
            }
            isValid.append(contentsOf: repeatElement(true, count: times))
        }
    }

    private let keys: [Values]
    private let columns: [Values]
    private var times: [Instant] = []
    private var arrivals: [Instant] = []
    private var deleted: [Bool] = []
    private var partitions: [Int64] = []
    private var offsets: [Int64] = []
    private var incarnations: [Int64] = []
    /// By what the budget counts.
    var byteCount = 0
    /// Files that were written before.
    var parts = 0

    var count: Int { times.count }

    init(_ schema: HistorySchemaMessage) {
        keys = schema.joinKeys.map { Values($0.type) }
        columns = schema.columns.map { Values($0.type) }
    }

    /// Appends rows of a page that are of one entity.
    func append(_ rows: Range<Int>, of page: ExportedRows, key: [UInt8]) {
        append(key: key, times: rows.count)
        let reply = page.reply
        for row in rows {
            times.append(Instant(microseconds: reply.times[row]))
            arrivals.append(Instant(microseconds: reply.arrivals[row]))
            let stream = StreamID(rawValue: reply.streams[row])
            partitions.append(Int64(stream.partition))
            incarnations.append(Int64(stream.incarnation))
        }
        offsets.append(contentsOf: reply.offsets[rows])
        if let marks = reply.deleted { for row in rows { deleted.append(marks[row] != 0) } }
        for (place, target) in columns.enumerated() {
            let column = reply.columns[place]
            for row in rows { target.isValid.append(column.isValid[row] != 0) }
            switch column.values {
            case .int64(let values), .timestamp(let values): target.numbers.append(contentsOf: values[rows])
            case .float64(let values): for row in rows { target.doubles.append(Double(bitPattern: values[row])) }
            case .bool(let values): for row in rows { target.flags.append(values[row] != 0) }
            case .string(let lengths, let bytes):
                let start = page.textStarts[place][rows.lowerBound]
                target.bytes.append(contentsOf: bytes[start..<page.textStarts[place][rows.upperBound]])
                var end = target.offsets[target.offsets.count - 1]
                for row in rows {
                    end += Int64(lengths[row])
                    target.offsets.append(end)
                }
            }
        }
    }

    /// The key's values, which the reply's reader has checked.
    private func append(key: [UInt8], times: Int) {
        key.withUnsafeBytes { bytes in
            var start = 0
            for target in keys {
                guard let (type, count) = EntityKey.component(in: bytes, at: start) else { return }
                if type == .int64 {
                    let flipped = bytes.loadUnaligned(fromByteOffset: start + 1, as: UInt64.self).bigEndian
                    let value = Int64(bitPattern: flipped ^ (1 << 63))
                    target.numbers.append(contentsOf: repeatElement(value, count: times))
                    target.isValid.append(contentsOf: repeatElement(true, count: times))
                } else {
                    let text = UnsafeRawBufferPointer(rebasing: bytes[(start + 3)..<(start + count)])
                    target.append(text: text, times: times)
                }
                start += count
            }
        }
    }

    func table(_ names: ExportColumns) throws(TableError) -> Table {
        var table = try Table(rowCount: count)
        let isValid = [Bool](repeating: true, count: count)
        for (name, key) in zip(names.keys, keys) { try table.append(key.column(name)) }
        func add(_ name: String, _ values: ArrowTables.FeatureColumn.Values) throws(TableError) {
            try table.append(ArrowTables.FeatureColumn(name: name, values: values, isValid: isValid))
        }
        try add(ExportColumns.eventTimestamp, .timestamp(times))
        try add(ExportColumns.knownAt, .timestamp(arrivals))
        for (name, column) in zip(names.values, columns) { try table.append(column.column(name)) }
        if names.all.contains(where: { $0.role == "deleted" }) { try add(ExportColumns.deleted, .bool(deleted)) }
        for (name, values) in zip(ExportColumns.position, [partitions, offsets, incarnations]) {
            try add(name, .int64(values))
        }
        return table
    }
}

/// A page with where its strings begin.
struct ExportedRows {
    let reply: HistoryPageReply
    /// Of each column the start of each row's bytes, and one more for the end; empty where it has no strings.
    let textStarts: [[Int]]

    init(_ reply: HistoryPageReply) {
        self.reply = reply
        textStarts = reply.columns.map { column in
            guard case .string(let lengths, _) = column.values else { return [] }
            var starts = [0]
            starts.reserveCapacity(lengths.count + 1)
            var end = 0
            for length in lengths {
                end += Int(length)
                starts.append(end)
            }
            return starts
        }
    }
}
