/// Rows that were not accepted: how many for which reason, and the first ones by name.
struct RejectedRows {
    struct Place {
        var file: String
        /// From 1.
        var row: Int
        /// Of a CSV file.
        var line: Int?

        var text: String { "\(file): \(line.map { "line \($0)" } ?? "row \(row)")" }
    }

    struct Named: Encodable {
        var file: String
        var row: Int
        var line: Int?
        var reason: String
        var message: String
    }

    private(set) var reasons: [String: Int] = [:]
    private(set) var named: [Named] = []
    private(set) var texts: [String] = []

    static let namedMax = 20

    var count: Int { reasons.values.reduce(0, +) }

    mutating func add(_ reason: String, rows: Int) { reasons[reason, default: 0] += rows }

    mutating func add(_ reason: String, _ message: String, place: Place) {
        add(reason, rows: 1)
        name(reason, message, place)
    }

    mutating func add(_ others: RejectedRows) {
        for (reason, rows) in others.reasons { add(reason, rows: rows) }
        let room = max(0, Self.namedMax - named.count)
        named += others.named.prefix(room)
        texts += others.texts.prefix(room)
    }

    mutating func name(_ reason: String, _ message: String, _ place: Place) {
        guard named.count < Self.namedMax else { return }
        named.append(Named(file: place.file, row: place.row, line: place.line, reason: reason, message: message))
        texts.append("\(place.text): \(reason): \(message)")
    }
}
