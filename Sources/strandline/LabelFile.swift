// A label file, read twice:
//
//   survey   keys, times and request values: every row is checked, counted, and nothing is kept
//   pieces   the same again, with all columns, some rows at a time
//
// CSV columns that get types from their values are read by a stream of their own, in step with the text of keys and times.

import ArrowTables
import FeatureModel
import Glibc
import TrainingSets

/// Some label rows: their table, and each row's key and T.
struct Labels: Sendable {
    var table: Table
    var rows: LabelRows
    /// Of each row the values that its request brings along; empty where it needs none.
    var request: [[FeatureValue]]

    var count: Int { rows.count }
    var points: LabelPoints { LabelPoints(rows: rows, request: request) }
}

/// What a label file holds.
struct LabelSurvey: Sendable {
    /// Good rows.
    var count = 0
    /// Malformed rows that are left out.
    var skippedCount = 0
    /// Times that are written without a zone.
    var timesWithoutZone = 0
    var firstTime: Instant?
    var lastTime: Instant?
}

/// For one thread at a time; blocking.
final class LabelFile {
    let columnNames: [String]
    let timestampColumn: String
    /// Which column holds which request value.
    let requestColumns: [String: String]
    private let reader: LabelReader
    private let columns: LabelColumns
    private let identity: FileIdentity?
    /// Where the columns of `columns` come from.
    private let stream: TableStream
    /// Where the columns of the output come from; nil: from `stream`, too.
    private var typed: TableStream?
    /// Rows that were read and not given out yet.
    private var left: Labels?
    private var given = 0

    init(reader: LabelReader, columns: LabelColumns, stream: TableStream, identity: FileIdentity?) throws {
        for name in columns.names { _ = try stream.index(of: name) }
        self.reader = reader
        self.columns = columns
        self.stream = stream
        self.identity = identity
        columnNames = stream.columnNames
        timestampColumn = columns.timestampColumn
        requestColumns = Dictionary(uniqueKeysWithValues: columns.requests.map { ($0.field.name, $0.column) })
    }

    /// Checks every row. The first malformed one of the file is named and fails the survey, or all are left out and counted.
    func survey() throws -> LabelSurvey {
        try stream.start(columns: try columns.names.map { try stream.index(of: $0) })
        var survey = LabelSurvey()
        while let piece = try stream.next() {
            let read = try columns.rows(of: piece)
            if !reader.skipBadRows, let first = read.bad.first(in: piece) {
                throw Failure(
                    .usage,
                    "\(reader.path): \(first)\nfix the row, or leave such rows out with --skip-bad-rows"
                )
            }
            survey.count += read.rows.count
            survey.skippedCount += piece.rowCount - read.rows.count + piece.badRows.count
            survey.timesWithoutZone += read.timesWithoutZone
            for time in read.rows.asOf {
                survey.firstTime = min(survey.firstTime ?? time, time)
                survey.lastTime = max(survey.lastTime ?? time, time)
            }
        }
        guard survey.count > 0 else { throw Failure(.usage, "\(reader.path): no label rows") }
        return survey
    }

    /// Begins at the first row.
    func start() throws {
        (left, given) = (nil, 0)
        guard try TableFormat(path: reader.path) == .csv, !reader.keepsText else {
            return try stream.start(columns: Array(stream.columnNames.indices))
        }
        try stream.start(columns: try columns.names.map { try stream.index(of: $0) })
        // A key that is text stays it: `007` must not come out as 7.
        let texts = Set(columns.joinKeys.filter { $0.type == .string }.map(\.name))
        let typed =
            if let typed = self.typed { typed } else {
                try TableStream(path: reader.path, textColumns: .named(texts), skipBadRows: true)
            }
        try typed.start(columns: Array(typed.columnNames.indices))
        self.typed = typed
    }

    /// The next good rows with all columns of the file; nil at the end.
    ///
    /// - Parameters:
    ///   - rowsMax: no more than these.
    ///   - isEnough: asked with the rows and the bytes of their columns; true: no more are read.
    func next(rowsMax: Int, isEnough: (_ rows: Int, _ bytes: Int) -> Bool) throws -> Labels? {
        var pieces: [Labels] = []
        var (rows, bytes) = (0, 0)
        while rows < rowsMax, pieces.isEmpty || !isEnough(rows, bytes), var piece = try nextPiece() {
            if piece.count > rowsMax - rows {
                left = try piece.slice((rowsMax - rows)..<piece.count)
                piece = try piece.slice(0..<(rowsMax - rows))
            }
            rows += piece.count
            bytes += try piece.table.byteCount()
            pieces.append(piece)
        }
        given += rows
        return pieces.isEmpty ? nil : try Labels(joining: pieces)
    }

    private func nextPiece() throws -> Labels? {
        if let piece = left {
            left = nil
            return piece
        }
        while let piece = try stream.next() {
            let read = try columns.rows(of: piece)
            var table = piece
            if let typed {
                guard let own = try typed.next(), own.rowCount == piece.rowCount else { throw changed }
                table = own
            }
            if let keep = read.keep { table = try table.filter(keeping: keep) }
            if read.rows.count > 0 { return Labels(table: table, rows: read.rows, request: read.request) }
        }
        return nil
    }

    /// Makes sure that the file is still what the survey saw, of which all rows were given out.
    ///
    /// - Returns: SHA-256 of its bytes.
    func checkUnchanged(_ survey: LabelSurvey) throws -> String {
        guard let digest = FileDigest.of(path: reader.path)?.digest else {
            throw Failure(.failed, "\(reader.path): cannot be read again: \(String(cString: strerror(errno)))")
        }
        guard given == survey.count, !isChanged else { throw changed }
        return digest
    }

    /// A value of the file's own metadata.
    func metadata(_ key: String) throws -> String? { try stream.metadata(key) }

    var isChanged: Bool { FileIdentity(path: reader.path) != identity }

    var changed: Failure {
        Failure(.failed, "\(reader.path): the file changed while it was read; nothing was written. Start again")
    }
}

extension Labels {
    /// Rows behind each other.
    fileprivate init(joining pieces: [Labels]) throws {
        var rows = pieces[0].rows
        if pieces.count > 1 {
            rows.reserve(pieces.reduce(0) { $0 + $1.count })
            for piece in pieces.dropFirst() {
                piece.rows.keys.withView { keys in
                    for row in 0..<piece.count { rows.append(key: keys[row], asOf: piece.rows.asOf[row]) }
                }
            }
        }
        self.init(
            table: try Table.joined(pieces.map(\.table)),
            rows: rows,
            request: pieces.flatMap(\.request)
        )
    }

    fileprivate func slice(_ range: Range<Int>) throws -> Labels {
        try Labels(
            table: table.slice(range),
            rows: rows.slice(range),
            request: request.isEmpty ? [] : Array(request[range])
        )
    }

    /// Some of the rows, in order.
    func chosen(_ rows: [Int]) throws -> Labels {
        guard rows.count < count else { return self }
        var keep = [Bool](repeating: false, count: count)
        for row in rows { keep[row] = true }
        let places = rows.map { UInt32(truncatingIfNeeded: $0) }
        return Labels(
            table: try table.filter(keeping: keep),
            rows: LabelRows(keys: self.rows.keys.selecting(places[...]), asOf: rows.map { self.rows.asOf[$0] }),
            request: request.isEmpty ? [] : rows.map { request[$0] }
        )
    }
}

extension LabelRows {
    fileprivate func slice(_ range: Range<Int>) -> LabelRows {
        let places = range.map { UInt32(truncatingIfNeeded: $0) }
        return LabelRows(keys: keys.selecting(places[...]), asOf: Array(asOf[range]))
    }
}
