// Event files: which columns are the source's fields, and their rows piece by piece.
//
//   open     each file: schema, columns by name, types
//   survey   the time column alone: rows, which of them lie in the interval, whether they stand in the order of time
//   next     a piece of at most 65,536 rows: those of the interval, with what they hash to; the others are counted

import ArrowTables
import FeatureModel
import Ingest
import WireProtocol

final class EventFiles {
    private struct File {
        let stream: TableStream
        let name: String
        let time: EventColumn
        let timePlace: Int
        /// Of each field its column; nil: the file is said to have none.
        let columns: [(column: EventColumn, place: Int)?]
        var first = Int64.max
    }

    /// What the interval holds.
    struct Survey {
        var read = 0
        var selected = 0
        /// Whether the rows of the interval stand in the order of time, file behind file.
        var isOrdered = true
        /// Times without a zone, which are taken as UTC.
        var timesWithoutZone = 0
    }

    /// The fields of the source beside its event time.
    let fields: [Field]
    private let source: Source
    private let range: Range<Int64>
    private var files: [File] = []
    /// The file that is read, and how many of its rows have been.
    private var current = -1
    private var rowsRead = 0

    /// Event times that can be written: years 1 to 9999.
    private static let eventTimes: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    /// - Parameter without: fields that the files do not have: null in every row.
    init(_ paths: [String], of source: Source, range: Range<Int64>, without: Set<String>) throws {
        self.source = source
        self.range = range
        fields = source.schema.filter { $0.name != source.timestampField }
        if let unknown = without.first(where: { name in !fields.contains { $0.name == name } }) {
            throw Failure(
                .usage,
                "--without: source '\(source.name)' has no field '\(unknown)'"
                    + hint(for: unknown, among: fields.map(\.name), title: "fields")
            )
        }
        // Text is taken apart by the fields' types; Arrow need not look for any.
        for path in paths {
            let stream = try TableStream(path: path, textColumns: .every)
            func column(_ field: Field) throws -> (EventColumn, Int) {
                let place: Int
                do { place = try stream.index(of: field.name) } catch {
                    guard error.code == .noSuchColumn, field.name != source.timestampField else { throw error }
                    throw Failure(
                        .usage,
                        "\(error.description)\nfor a field that the files do not have on purpose: --without \(field.name)"
                    )
                }
                let type = stream.columnTypes[place]
                return (try EventColumn(field, type: type, format: source.timestampFormat, path: path), place)
            }
            let (time, timePlace) = try column(Field(name: source.timestampField, type: .timestamp))
            let columns = try fields.map { without.contains($0.name) ? nil : try column($0) }
            files.append(File(stream: stream, name: path, time: time, timePlace: timePlace, columns: columns))
        }
    }

    /// Reads the time columns. Files whose rows do not overlap are put into the order of time.
    func survey() throws -> Survey {
        var survey = Survey()
        var spans: [(first: Int64, last: Int64)] = []
        for place in files.indices {
            let file = files[place]
            try file.stream.start(columns: [file.timePlace])
            var (first, last) = (Int64.max, Int64.min)
            while let piece = try file.stream.next() {
                let times = try file.time.values(of: piece, at: 0)
                survey.read += piece.rowCount
                if case .text = file.time.form {
                    survey.timesWithoutZone += try piece.timesWithoutZone(source.timestampField).count { $0 }
                } else if file.time.lacksZone {
                    survey.timesWithoutZone += piece.rowCount
                }
                for row in times.slots.indices where times.isValid[row] {
                    let time = Int64(bitPattern: times.slots[row])
                    guard range.contains(time) else { continue }
                    survey.selected += 1
                    if time < last { survey.isOrdered = false }
                    first = min(first, time)
                    last = max(last, time)
                }
            }
            files[place].first = first
            spans.append((first, last))
        }
        spans.sort { $0.first < $1.first }
        for (one, next) in zip(spans, spans.dropFirst()) where next.first < one.last { survey.isOrdered = false }
        files.sort { $0.first < $1.first }
        return survey
    }

    /// Begins with the first row of the first file.
    func start() { current = -1 }

    /// The rows of the next piece that lie in the interval; what cannot be read goes to `rejected`.
    ///
    /// - Returns: false behind the last one.
    func next(into rows: inout EventRows, _ rejected: inout RejectedRows) throws -> Bool {
        while true {
            if files.indices.contains(current), let piece = try files[current].stream.next() {
                try take(piece, files[current], into: &rows, &rejected)
                rowsRead += piece.rowCount
                return true
            }
            current += 1
            rowsRead = 0
            guard files.indices.contains(current) else { return false }
            let file = files[current]
            try file.stream.start(columns: [file.timePlace] + file.columns.compactMap { $0?.place })
        }
    }

    private func take(
        _ piece: Table,
        _ file: File,
        into rows: inout EventRows,
        _ rejected: inout RejectedRows
    ) throws {
        func reject(_ row: Int, _ reason: RejectionReason, _ message: String) {
            rejected.add(reason.rawValue, message, place: self.place(of: row, in: piece, file))
        }
        let times = try file.time.values(of: piece, at: 0)
        var isWanted = times.isValid
        let timeField = source.timestampField
        for row in times.bad { reject(row, .badTimestamp, "field '\(timeField)' is not a time, years 1 to 9999") }
        let unreadable = Set(times.bad)
        for row in isWanted.indices {
            let time = Int64(bitPattern: times.slots[row])
            if !isWanted[row] {
                if !unreadable.contains(row) { reject(row, .missingTimestamp, "field '\(timeField)' is null") }
            } else if !range.contains(time) {
                isWanted[row] = false
            } else if !Self.eventTimes.contains(time) {
                isWanted[row] = false
                reject(row, .badTimestamp, "field '\(timeField)' lies outside the years 1 to 9999")
            }
        }
        // All columns first: a row with a value that cannot be read is left out of all.
        var read: [EventColumn.Values?] = []
        var next = 1
        for column in file.columns {
            guard let (column, _) = column, column.field.type != .string else {
                if column != nil { next += 1 }
                read.append(nil)
                continue
            }
            let values = try column.values(of: piece, at: next)
            for row in values.bad where isWanted[row] {
                isWanted[row] = false
                let isTime = column.field.type == .timestamp
                reject(
                    row,
                    isTime ? .badTimestamp : .wrongType,
                    "field '\(column.field.name)' is not \(isTime ? "a time" : "of type \(column.field.type.name)")"
                )
            }
            read.append(values)
            next += 1
        }
        let all = isWanted.allSatisfy { $0 }
        let chosen = all ? [] : isWanted.indices.filter { isWanted[$0] }
        let origin = UInt64(current) << 40 | UInt64(rowsRead)
        let own =
            all ? times.slots.map { Int64(bitPattern: $0) } : chosen.map { Int64(bitPattern: times.slots[$0]) }
        var sums = RowContent.sums(times: own)
        EventRows.add(own, to: &rows.times)
        EventRows.add(
            all ? (0..<UInt64(piece.rowCount)).map { origin + $0 } : chosen.map { origin + UInt64($0) },
            to: &rows.origins
        )
        next = 1
        for place in fields.indices {
            guard let (column, _) = file.columns[place] else {
                rows.columns[place].appendNulls(sums.count)
                continue
            }
            if let values = read[place] {
                rows.columns[place].append(values, all ? nil : chosen, to: &sums)
            } else {
                _ = column
                rows.columns[place].append(try piece.text(at: next), all ? nil : chosen, to: &sums)
            }
            next += 1
        }
        EventRows.add(sums, to: &rows.sums)
    }

    private func place(of row: Int, in piece: Table, _ file: File) -> RejectedRows.Place {
        RejectedRows.Place(file: file.name, row: rowsRead + row + 1, line: piece.lineNumber(ofRow: row))
    }

    /// Where a row that was sent came from.
    func place(of origin: UInt64) -> RejectedRows.Place {
        RejectedRows.Place(
            file: files[Int(origin >> 40)].name,
            row: Int(origin & 0xff_ffff_ffff) + 1,
            line: nil
        )
    }
}

extension EventRows.Column {
    fileprivate mutating func appendNulls(_ count: Int) {
        slots += repeatElement(0, count: count)
        isValid += repeatElement(false, count: count)
        hasNulls = true
    }

    /// - Parameter chosen: the rows that are taken; nil: all.
    fileprivate mutating func append(_ values: EventColumn.Values, _ chosen: [Int]?, to sums: inout [UInt64]) {
        let own = chosen.map { $0.map { values.slots[$0] } } ?? values.slots
        let valid = chosen.map { $0.map { values.isValid[$0] } } ?? values.isValid
        RowContent.add(own, isValid: valid, seed: seed, to: &sums)
        EventRows.add(own, to: &slots)
        EventRows.add(valid, to: &isValid)
        if !hasNulls { hasNulls = valid.contains(false) }
    }

    fileprivate mutating func append(_ text: borrowing TextColumn, _ chosen: [Int]?, to sums: inout [UInt64]) {
        for place in sums.indices {
            let row = chosen?[place] ?? place
            let isHere = text.isValid(row)
            isValid.append(isHere)
            guard isHere else {
                slots.append(0)
                hasNulls = true
                continue
            }
            let bytes = text.bytes(row)
            sums[place] &+= RowContent.term(bytes, seed: seed)
            slots.append(UInt64(strings.count) << 32 | UInt64(bytes.count))
            strings.append(contentsOf: bytes)
        }
    }
}
