// A plan for a terminal: plain text, no colour; the prefixes carry the meaning.
//
//   Plan for project cdnow
//     + view customer_purchases
//         + amount_sum_7d (sum of amount over 7d)
//   Notes
//     ...
//   1 to add, 0 to change, 0 to remove, 4 unchanged.

extension Plan {
    /// The plan for a terminal, with a line feed at its end. Unchanged definitions are only counted.
    public var text: String {
        var lines = ["Plan for project \(project)"]
        for change in changes {
            let sign =
                switch change.kind {
                case .add: "+"
                case .change: "~"
                case .remove: "-"
                case .unchanged: ""
                }
            if sign.isEmpty { continue }
            lines.append("  \(sign) \(change.object.rawValue) \(change.name)")
            lines += change.details.map { "      \($0)" }
        }
        if changes.allSatisfy({ $0.kind == .unchanged }) { lines.append("  nothing changes") }
        if !notes.isEmpty { lines += ["Notes"] + notes.map { "  * \($0)" } }
        if !refusals.isEmpty { lines += ["Refused"] + refusals.map { "  ! \($0)" } }
        lines.append(
            "\(count(of: .add)) to add, \(count(of: .change)) to change, \(count(of: .remove)) to remove, \(count(of: .unchanged)) unchanged."
                + (refusals.isEmpty ? "" : " Cannot be applied: \(refusals.count) refused.")
        )
        return lines.joined(separator: "\n") + "\n"
    }
}
