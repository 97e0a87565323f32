/// Columns of text, aligned for a terminal: numbers to the right where a column asks for it.
struct TextTable {
    private var rows: [[String]]
    private let alignsRight: [Bool]

    init(header: [String], alignsRight: [Bool]) {
        rows = [header]
        self.alignsRight = alignsRight
    }

    mutating func append(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = alignsRight.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let fill = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (alignsRight[column] ? fill + cell : cell + fill)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
