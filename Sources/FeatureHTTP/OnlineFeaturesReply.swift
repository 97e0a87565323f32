// The answer of POST /get-online-features, column by column: join keys as they came, then the features.
//
//   {"results":[{"values":[..],"statuses":[..],"event_timestamps":[..]}, ...],"metadata":{"feature_names":[..]}}
//
// docs/http.md says how values and statuses appear; what is null here, and why, is decided in `FeatureTable.statusText`.

import FeatureModel

struct OnlineFeaturesReply {
    let columns: EntityColumns
    let table: FeatureTable
    let names: [String]
    let byteCountMax: Int
    private var text: JSONText
    /// The last event time that was written: rows of one entity have many that are equal.
    private var lastTime: Int64 = 0
    private var lastTimeText: [UInt8] = Array(Self.epoch.utf8)

    /// What stands where no event counted.
    private static let epoch = "1970-01-01T00:00:00Z"

    init(_ columns: EntityColumns, _ table: FeatureTable, names: [String], byteCountMax: Int) {
        self.columns = columns
        self.table = table
        self.names = names
        self.byteCountMax = byteCountMax
        let cells = columns.request.rowCount * (names.count + columns.echoed.count)
        text = JSONText(capacity: min(byteCountMax, 256 + 56 * cells))
    }

    /// - Throws: when the answer is beyond `byteCountMax`.
    mutating func bytes() throws(FeastFailure) -> [UInt8] {
        text.raw("{\"results\":[")
        var isFirst = true
        for column in columns.echoed {
            text.separate(&isFirst)
            write(joinKey: column)
            try checkLength()
        }
        for feature in names.indices {
            text.separate(&isFirst)
            write(feature: feature)
            try checkLength()
        }
        text.raw("],\"metadata\":{\"feature_names\":[")
        isFirst = true
        for name in columns.echoed.map(\.name) + names {
            text.separate(&isFirst)
            text.string(name)
        }
        text.raw("]")
        if columns.request.wantsViewMetadata { writeViewMetadata() }
        text.raw("}}")
        return text.bytes
    }

    private func checkLength() throws(FeastFailure) {
        guard text.bytes.count <= byteCountMax else { throw .tooLarge(byteCountMax) }
    }

    /// Views have no versions: names only, as Feast writes version 0.
    private mutating func writeViewMetadata() {
        text.raw(",\"feature_view_metadata\":[")
        var views: [String] = []
        var isFirst = true
        for view in columns.views where !views.contains(view) {
            views.append(view)
            text.separate(&isFirst)
            text.raw("{\"name\":")
            text.string(view)
            text.raw("}")
        }
        text.raw("]")
    }

    private mutating func write(joinKey column: OnlineFeaturesRequest.Column) {
        let rows = 0..<columns.request.rowCount
        text.raw("{\"values\":[")
        for row in rows {
            if row > 0 { text.raw(",") }
            text.scalar(columns.document[column.first + row])
        }
        text.raw("],\"statuses\":[")
        for row in rows { if row > 0 { text.raw(",\"PRESENT\"") } else { text.raw("\"PRESENT\"") } }
        text.raw("],\"event_timestamps\":[")
        for row in rows {
            if row > 0 { text.raw(",") }
            text.string(Self.epoch)
        }
        text.raw("]}")
    }

    private mutating func write(feature: Int) {
        let type = table.types[feature]
        let cells = stride(from: feature, to: table.statuses.count, by: table.types.count)
        var isFirst = true
        text.raw("{\"values\":[")
        for cell in cells {
            text.separate(&isFirst)
            if !table.isWritable(cell, type) || !write(cell, type) { text.raw("null") }
        }
        text.raw("],\"statuses\":[")
        isFirst = true
        for cell in cells {
            text.separate(&isFirst)
            text.raw(table.statusText(cell, type))
        }
        text.raw("],\"event_timestamps\":[")
        isFirst = true
        for cell in cells {
            text.separate(&isFirst)
            write(eventTime: table.eventTimes[cell])
        }
        text.raw("]}")
    }

    /// - Returns: false, with nothing written, for what JSON cannot say.
    private mutating func write(_ cell: Int, _ type: FeatureType) -> Bool {
        let slot = table.slots[cell]
        guard type.shape == .single else {
            let value = table.withBytes(cell) { FeaturePayload.decode($0, type: type) } ?? .null
            text.value(value)
            return true
        }
        switch type.element {
        case .int64: text.number(Int64(bitPattern: slot))
        case .float64: return text.number(Double(bitPattern: slot))
        case .bool: if slot != 0 { text.raw("true") } else { text.raw("false") }
        case .timestamp: text.number(Instant(microseconds: Int64(bitPattern: slot)).epochSeconds)
        case .string:
            let table = table
            table.withBytes(cell) { text.string($0) }
        }
        return true
    }

    /// RFC 3339 with at most six digits after the point: Python before 3.11 reads no more.
    private mutating func write(eventTime time: Int64) {
        text.raw("\"")
        if time != lastTime {
            lastTime = time
            let written = Instant(microseconds: time).iso8601
            // Outside the years 1 to 9999 there is no such text.
            lastTimeText = Array((written.hasSuffix("Z") ? written : Self.epoch).utf8)
        }
        text.raw(lastTimeText)
        text.raw("\"")
    }
}

extension FeatureTable {
    /// Whether a value is written. Of an empty list or map Feast's client cannot tell the type, and fails.
    func isWritable(_ cell: Int, _ type: FeatureType) -> Bool {
        guard hasValue(cell) else { return false }
        guard type.shape != .single else { return true }
        return withBytes(cell) { bytes in bytes.count >= 4 && bytes.loadUnaligned(as: UInt32.self) != 0 }
    }

    /// Feast has five statuses, of which a server writes four. PRESENT always has a value.
    func statusText(_ cell: Int, _ type: FeatureType) -> StaticString {
        switch status(cell) {
        case .notFound: "\"NOT_FOUND\""
        case .outsideMaxAge: "\"OUTSIDE_MAX_AGE\""
        case .present, .partial: isWritable(cell, type) ? "\"PRESENT\"" : "\"NULL_VALUE\""
        case .nullValue, .overflow, .outsideRetention, nil: "\"NULL_VALUE\""
        }
    }
}

extension JSONText {
    /// A join key as it came; a whole float as the integer that it stands for.
    fileprivate mutating func scalar(_ value: JSONDocument.Value) {
        if case .string(let utf8) = value { return string(utf8) }
        if let integer = value.integer { return number(integer) }
        if let float = value.number, number(float) { return }
        if case .bool(let flag) = value { return self.value(.bool(flag)) }
        raw("null")
    }

    /// A value of any type, for lists and maps: a map becomes an object, whose keys are texts.
    fileprivate mutating func value(_ value: FeatureValue) {
        switch value {
        case .null: raw("null")
        case .int64(let number): self.number(number)
        case .float64(let number): if !self.number(number) { raw("null") }
        case .string(let text): string(text)
        case .bool(let flag): if flag { raw("true") } else { raw("false") }
        case .timestamp(let instant): number(instant.epochSeconds)
        case .list(let elements):
            raw("[")
            var isFirst = true
            for element in elements {
                separate(&isFirst)
                self.value(element)
            }
            raw("]")
        case .map(let entries):
            raw("{")
            var isFirst = true
            for entry in entries {
                separate(&isFirst)
                if case .string(let key) = entry.key {
                    string(key)
                } else {
                    raw("\"")
                    self.value(entry.key)
                    raw("\"")
                }
                raw(":")
                self.value(entry.value)
            }
            raw("}")
        }
    }
}
