// Debezium's change events: where their parts stand, and what each says happened.
//
//   {"before": {row}|null, "after": {row}|null, "op": "c|u|d|r", "source": {"ts_ms": 1719742980000, ...}, ...}
//
//   c, u, r    the row as it is now         --> an event with the fields of `after`
//   d          the row is gone              --> a tombstone; its key from `before`, else from the record key
//
// With the converter's schemas enabled the whole stands in `payload`, beside `schema`.

import FeatureModel

/// The parts of a change event, as decoded fields.
struct ChangeFields {
    enum Change {
        /// The row as it is now.
        case row
        case delete
        /// Not taken; why, and what to do.
        case refused(String)
    }

    let operation: Int
    let before: Int
    let after: Int
    /// When the database made the change.
    let time: Int

    init(debezium fields: inout [DecodedField]) {
        func add(_ name: String, _ kind: DecodedField.Kind, in parent: Int? = nil) -> Int {
            fields.append(DecodedField(name: name, kind: kind, parent: parent))
            return fields.count - 1
        }
        _ = add("payload", .wrapper)
        before = add("before", .object)
        after = add("after", .object)
        let source = add("source", .object)
        time = add("ts_ms", .time(.epochMilliseconds), in: source)
        operation = add("op", .value(.string))
    }

    /// What the decoded record says happened.
    func change(in decoder: JSONRecordDecoder) -> Change {
        guard !decoder.isNull(operation) else {
            return .refused(
                "field 'op' is absent or null, so this is no Debezium change event; a connector that unwraps its records (ExtractNewRecordState) needs a source without 'envelope'"
            )
        }
        let text = decoder.text(decoder.slots[operation])
        guard text.count == 1, let letter = text.first else { return unknown(text) }
        switch letter {
        case UInt8(ascii: "c"), UInt8(ascii: "u"), UInt8(ascii: "r"):
            if !decoder.isNull(after) { return .row }
            return .refused(
                "op '\(Character(Unicode.Scalar(letter)))' without 'after': the row as it is now is missing"
            )
        case UInt8(ascii: "d"): return .delete
        case UInt8(ascii: "t"):
            return .refused(
                "op 't' empties the table, and its rows are not known here: delete them one by one instead, and set skipped.operations=t in the connector"
            )
        default: return unknown(text)
        }
    }

    private func unknown(_ operation: UnsafeRawBufferPointer) -> Change {
        // It goes to terminals.
        let text = String(
            String.UnicodeScalarView(
                String(decoding: operation.prefix(16), as: UTF8.self).unicodeScalars.map {
                    $0.properties.generalCategory == .control ? "?" : $0
                }
            )
        )
        return .refused(
            "op '\(text)' is none of c, u, r and d; set skipped.operations in the connector to leave such events out"
        )
    }
}
