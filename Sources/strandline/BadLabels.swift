import ArrowTables

/// What is wrong with which row of a piece, beside the rows that did not get into it.
struct BadLabels {
    /// By row; nil for a good one.
    private(set) var reasons: [String?]

    init(rowCount: Int) { reasons = Array(repeating: nil, count: rowCount) }

    /// The first thing that is said about a row stays.
    mutating func note(_ row: Int, _ reason: String) { reasons[row] = reasons[row] ?? reason }

    /// The place and the reason of the bad row that the piece has first; nil when all are good.
    func first(in piece: Table) -> String? {
        let left = piece.badRows.first
        guard let row = reasons.firstIndex(where: { $0 != nil }), let reason = reasons[row] else {
            return left.map(Self.text)
        }
        if let left, let line = piece.lineNumber(ofRow: row), left.line < line { return Self.text(left) }
        return "\(piece.place(ofRow: row)): \(reason)"
    }

    private static func text(_ row: BadRow) -> String { "line \(row.line): \(row.reason): \(row.text)" }
}
