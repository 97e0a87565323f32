/// What a check of a training set found.
struct VerifyReport: Codable {
    enum Kind: String, Codable {
        /// The file is not the one that was written.
        case file
        /// The manifest is not, or contradicts the file.
        case manifest
        /// The features mean something else now.
        case definition
        /// A cell has other bits than the store gives.
        case cell
        /// A cell counts an event at or after its limit, or one that arrived after K.
        case leak
        /// Nothing is wrong with it, but the store cannot say it again.
        case notVerifiable = "not_verifiable"
    }

    struct Finding: Codable {
        var kind: Kind
        var message: String
    }

    /// `verified`, `differs`, `not_verifiable`.
    private(set) var result = "verified"
    private(set) var findings: [Finding] = []
    /// Findings that are not among those that are told one by one.
    private(set) var further = 0
    /// Rows of the training set, and how many were computed again.
    var rows = 0
    var rowsChecked = 0
    /// Cells that were computed again, and what became of them.
    var cells = 0
    var differing = 0
    var notVerifiable = 0
    var leaks = 0
    /// What drew the rows.
    var seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// Findings that are told one by one.
    static let shownMax = 20

    mutating func add(_ kind: Kind, _ message: String) {
        if kind != .notVerifiable { result = "differs" } else if result == "verified" { result = "not_verifiable" }
        if findings.count < Self.shownMax {
            findings.append(Finding(kind: kind, message: message))
        } else {
            further += 1
        }
    }

    /// The exit status.
    var status: Int32 {
        switch result {
        case "verified": 0
        case "differs": Failure.Status.mismatches.rawValue
        default: Failure.Status.notFound.rawValue
        }
    }

    /// A line a finding, and one with the counts.
    var text: String {
        var lines = findings.map { finding in
            switch finding.kind {
            case .file, .manifest: "tampered: \(finding.message)"
            case .definition: "changed: \(finding.message)"
            case .cell: "differs: \(finding.message)"
            case .leak: "leak: \(finding.message)"
            case .notVerifiable: "not verifiable: \(finding.message)"
            }
        }
        if further > 0 { lines.append("and \(further) more") }
        lines.append(
            "verify=\(result) rows=\(rows) checked=\(rowsChecked) cells=\(cells) differing=\(differing) "
                + "not_verifiable=\(notVerifiable) leaks=\(leaks) seed=\(seed)"
        )
        return lines.joined(separator: "\n")
    }
}
