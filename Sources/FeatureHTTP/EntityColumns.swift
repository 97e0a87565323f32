// The columns of `entities`, taken apart: join keys become entity keys, request values become `RequestValues`, and join keys
// are told again in the answer.

import FeatureHistory
import FeatureModel

/// The rows of a request, as a read takes them.
struct EntityRows: Sendable {
    /// Entity keys, one after another.
    fileprivate(set) var keys: [UInt8] = []
    /// Where each row's key ends in `keys`.
    fileprivate(set) var keyEnds: [Int] = []
    fileprivate(set) var request = RequestValues()

    var count: Int { keyEnds.count }

    /// Calls `body` with each row and its key, until it says false.
    func forEachKey(_ body: (_ row: Int, _ key: UnsafeRawBufferPointer) -> Bool) {
        keys.withUnsafeBytes { bytes in
            var start = 0
            for (row, end) in keyEnds.enumerated() {
                guard body(row, UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else { return }
                start = end
            }
        }
    }
}

struct EntityColumns {
    let document: JSONDocument
    let request: OnlineFeaturesRequest
    private let plan: LookupPlan
    /// The columns that the answer repeats: join keys, in the order of the request.
    private(set) var echoed: [OnlineFeaturesRequest.Column] = []
    private var byName: [String: OnlineFeaturesRequest.Column] = [:]

    /// - Throws: for a join key or request value without a column, and for a column that nothing here is called.
    init(_ document: JSONDocument, _ request: OnlineFeaturesRequest, _ lookup: ResolvedLookup) throws(FeastFailure) {
        self.document = document
        self.request = request
        plan = lookup.plan
        for var column in request.columns {
            let given = column.name
            let isRequestValue = plan.request.contains { $0.name == given }
            // Feast lets an entity's name stand for its join key; a request value of that name is what it says.
            if !lookup.joinKeys.contains(given), !isRequestValue, let key = lookup.joinKeyOfEntity[given] {
                column.name = key
            }
            guard byName[column.name] == nil else {
                throw .refused("'\(given)' of entities: the column '\(column.name)' is there already; send one of them")
            }
            let isJoinKey = lookup.joinKeys.contains(column.name)
            guard isJoinKey || isRequestValue else {
                let known = plan.joinKeys.map(\.name) + plan.request.map(\.name)
                throw .refused(
                    "'\(column.name)' of entities is neither a join key nor a request value"
                        + hint(for: column.name, among: known, title: "columns of this request")
                )
            }
            byName[column.name] = column
            if isJoinKey { echoed.append(column) }
        }
        for key in plan.joinKeys where byName[key.name] == nil {
            throw .refused(
                "entities lacks the join key '\(key.name)' (\(key.type.name)), which these features need; "
                    + "a Feast client before 0.64 sends the first join key of a view only"
            )
        }
        let missing = plan.request.filter { byName[$0.name] == nil }
        guard missing.isEmpty else {
            throw FeastFailure(
                404,
                .feast(class: "RequestDataNotFoundInEntityRowsException"),
                "entities lacks the request values "
                    + missing.map { "'\($0.name)' (\($0.type.name))" }.joined(separator: ", ")
            )
        }
    }

    /// The view of each feature.
    var views: [String] { plan.features.map(\.reference.view) }

    /// The rows; every value is checked here.
    func rows() throws(FeastFailure) -> EntityRows {
        var rows = EntityRows()
        let keys = plan.joinKeys.compactMap { byName[$0.name]?.first }
        let values = plan.request.compactMap { byName[$0.name]?.first }
        rows.keyEnds.reserveCapacity(request.rowCount)
        rows.request.begin(fieldCount: values.count)
        for row in 0..<request.rowCount {
            let start = rows.keys.count
            for (key, first) in zip(plan.joinKeys, keys) { try append(key, first + row, row, to: &rows.keys) }
            guard rows.keys.count - start <= EntityKey.byteCountMax else {
                throw .refused("the entity key of row \(row + 1) is longer than \(EntityKey.byteCountMax) bytes")
            }
            rows.keyEnds.append(rows.keys.count)
            for (field, first) in zip(plan.request, values) {
                try append(field, first + row, row, to: &rows.request)
            }
        }
        return rows
    }

    private func append(_ key: Field, _ token: Int, _ row: Int, to bytes: inout [UInt8]) throws(FeastFailure) {
        switch (key.type, document[token]) {
        case (.string, .string(let text)):
            guard EntityKey.append(text, to: &bytes) else {
                throw Self.bad("join key", key, row, "is longer than \(EntityKey.byteCountMax) bytes")
            }
        case (.int64, let value):
            guard let number = value.integer else { throw Self.bad("join key", key, row, "is \(value.kind)") }
            EntityKey.append(number, to: &bytes)
        case (_, let value): throw Self.bad("join key", key, row, "is \(value.kind)")
        }
    }

    private func append(_ field: Field, _ token: Int, _ row: Int, to values: inout RequestValues) throws(FeastFailure) {
        let value = document[token]
        if case .null = value { return values.appendNull() }
        switch field.type {
        case .int64: if let number = value.integer { return values.append(number) }
        case .float64: if let number = value.number { return values.append(number) }
        case .bool: if case .bool(let flag) = value { return values.append(Int64(flag ? 1 : 0)) }
        case .timestamp: if let instant = value.instant { return values.append(instant.microseconds) }
        case .string:
            if case .string(let text) = value {
                guard text.count <= RequestValues.stringByteCountMax else {
                    throw Self.bad(
                        "request value",
                        field,
                        row,
                        "is longer than \(RequestValues.stringByteCountMax) bytes"
                    )
                }
                return values.append(utf8: text)
            }
        }
        throw Self.bad("request value", field, row, "is \(value.kind)")
    }

    private static func bad(_ noun: String, _ field: Field, _ row: Int, _ problem: String) -> FeastFailure {
        .refused("\(noun) '\(field.name)' (\(field.type.name)) of row \(row + 1) \(problem)")
    }
}

extension JSONDocument.Value {
    /// An integer, also one that a client made a float of: 3.0 is 3.
    var integer: Int64? {
        switch self {
        case .int64(let number): number
        case .float64(let number): number.magnitude < 0x1p53 ? Int64(exactly: number) : nil
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .int64(let number): Double(number)
        case .float64(let number): number
        default: nil
        }
    }

    /// Seconds since the epoch, or ISO 8601.
    var instant: Instant? {
        switch self {
        case .int64(let seconds):
            let (microseconds, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000)
            return isBeyond ? nil : Instant(microseconds: microseconds)
        case .float64(let seconds):
            return Int64(exactly: (seconds * 1_000_000).rounded()).map { Instant(microseconds: $0) }
        case .string(let text): return Instant(iso8601: text)
        default: return nil
        }
    }

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .int64: "an integer"
        case .float64: "a number that is no integer of 64 bits"
        case .string: "a string of another form"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
