import ArrowTables
import FeatureModel
import WireProtocol

/// A feature's column of a training set beside the same cells computed again, with the columns that say how they came about.
struct ComparedColumn {
    enum Outcome {
        case differs(String)
        /// The store has dropped what the cell needs.
        case notVerifiable
    }

    /// What is wrong with the columns themselves.
    private(set) var problems: [String] = []
    /// Cells of the file without a value.
    private(set) var nulls = 0
    private var pairs: [Pair] = []
    private let statusName: String

    private struct Pair {
        let name: String
        let written: NullableColumn<String>
        let computed: NullableColumn<String>
    }

    /// - Parameters:
    ///   - file: some rows of the training set.
    ///   - again: the same rows, with all columns of status and event time.
    init(_ column: TrainingSetManifest.Column, _ file: Table, _ again: Table) throws {
        let status = TrainingColumns.statusName(of: column.name)
        let eventTime = TrainingColumns.eventTimeName(of: column.name)
        statusName = status
        let names = [
            column.name, column.statusColumn == nil ? nil : status, column.eventTimeColumn == nil ? nil : eventTime,
        ]
        for name in names.compactMap({ $0 }) {
            guard file.columnNames.contains(name) else {
                problems.append("there is no column '\(name)'")
                continue
            }
            // Text that CSV holds is compared as it is.
            let (type, wanted) = (try file.columnType(name), try again.columnType(name))
            guard Self.unnamed(type) == Self.unnamed(wanted) || file.isCSV else {
                problems.append("column '\(name)' is of type \(type), not \(wanted)")
                continue
            }
            pairs.append(
                Pair(name: name, written: try file.cellTexts(name), computed: try again.cellTexts(name))
            )
        }
        if let value = pairs.first, value.name == column.name { nulls = value.written.isValid.count { !$0 } }
    }

    /// The rows that are not equal, each once.
    func differences(_ statuses: [StatusByte]) -> [(row: Int, outcome: Outcome)] {
        statuses.indices.compactMap { row in
            guard let pair = pairs.first(where: { $0.written[row] != $0.computed[row] }) else {
                return gone(row, statuses) ? (row, .notVerifiable) : nil
            }
            if statuses[row].status == .outsideRetention { return (row, .notVerifiable) }
            let (written, computed) = (Self.shown(pair.written[row]), Self.shown(pair.computed[row]))
            return (row, .differs("\(pair.name): the file has \(written), the store gives \(computed)"))
        }
    }

    /// Whether a cell without a value may have had one that is gone: where no column says that it was gone then, too.
    private func gone(_ row: Int, _ statuses: [StatusByte]) -> Bool {
        statuses[row].status == .outsideRetention && !pairs.contains { $0.name == statusName }
    }

    /// A type's text without the names that Parquet gives to the insides of maps: `map<int64, double ('total')>`.
    private static func unnamed(_ type: String) -> String {
        var text = ""
        var rest = type[...]
        while let start = rest.firstRange(of: " ('"), let end = rest[start.upperBound...].firstRange(of: "')") {
            text += rest[..<start.lowerBound]
            rest = rest[end.upperBound...]
        }
        return text + rest
    }

    private static func shown(_ text: String?) -> String {
        guard let text else { return "null" }
        return text.count > 100 ? "\(text.prefix(100))…" : text
    }
}

extension Table {
    /// Columns of a CSV file were read as text.
    fileprivate var isCSV: Bool { path.flatMap { try? TableFormat(path: $0) } == .csv }
}
