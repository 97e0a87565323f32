// Which entity the record key of a delete names.
//
//   json     {"customer_id": 42, ...}       an object with every join key; with an envelope maybe within "payload"
//   string   42                             the bytes are the value
//   int64    42                             decimal digits

import FeatureModel

/// Reads record keys. For one thread at a time.
final class RecordKeyReader {
    typealias Failure = (reason: RejectionReason, message: String)

    private let format: KeyFormat
    private let joinKeys: [Field]
    /// Of `json`: one field a join key.
    private let decoder: JSONRecordDecoder?
    /// Of a bare value: the entity key's bytes of the last record key.
    private var value: [UInt8] = []

    /// - Returns: nil for more join keys than a record may have fields.
    init?(_ plan: SourcePlan) {
        format = plan.source.keyFormat ?? .json
        joinKeys = plan.recordKeys
        guard format == .json else {
            decoder = nil
            return
        }
        var fields = plan.recordKeys.map { DecodedField(name: $0.name, kind: .value($0.type)) }
        if plan.changes != nil { fields.append(DecodedField(name: "payload", kind: .wrapper)) }
        guard let decoder = JSONRecordDecoder(fields: fields) else { return nil }
        self.decoder = decoder
    }

    /// Reads one record key; nil when it went well.
    func read(_ key: UnsafeRawBufferPointer?) -> Failure? {
        guard let key else {
            return (
                .missingKey,
                "the record has no key, which names the entity that is deleted (key_format \(format.rawValue))"
            )
        }
        guard key.count <= KeyFormat.recordKeyBytesMax else {
            return (
                .keyTooLong, "the record key has \(key.count) bytes; at most \(KeyFormat.recordKeyBytesMax) are read"
            )
        }
        switch format {
        case .json: return readJSON(key)
        case .string: return readText(key)
        case .int64: return readDigits(key)
        }
    }

    /// Makes the entity key of one history.
    func write(_ keys: [Int], to buffer: inout KeyBuffer) {
        guard let decoder else { return buffer.set(value) }
        let row = decoder.row
        buffer.removeAll()
        for key in keys { buffer.append(key, FieldForm(decoder.fields[key]), row) }
    }

    private func readJSON(_ key: UnsafeRawBufferPointer) -> Failure? {
        guard let decoder else { return nil }
        switch decoder.decode(key) {
        case nil: break
        case .badJSON(let detail)?:
            return (
                .badKey,
                "the record key is not a JSON object with the join keys (\(detail)); for keys that are bare values key_format is string or int64"
            )
        case .wrongType(let field)?, .nonFinite(let field)?, .badTime(let field)?:
            let wanted = decoder.fields[field]
            return (.badKey, "field '\(wanted.name)' of the record key is not \(wanted.expectation)")
        }
        if let missing = joinKeys.indices.first(where: { decoder.isNull($0) }) {
            return (.missingKey, "join key '\(joinKeys[missing].name)' is absent or null in the record key")
        }
        return nil
    }

    private func readText(_ key: UnsafeRawBufferPointer) -> Failure? {
        value.removeAll(keepingCapacity: true)
        guard String(validating: key, as: UTF8.self) != nil else {
            return (.badKey, "the record key is not UTF-8; key_format is string")
        }
        guard EntityKey.append(key, to: &value) else {
            return (
                .keyTooLong,
                "the record key has \(key.count) bytes; an entity key has at most \(EntityKey.byteCountMax)"
            )
        }
        return nil
    }

    /// Canonical digits only, so that no two record keys name one entity.
    private func readDigits(_ key: UnsafeRawBufferPointer) -> Failure? {
        value.removeAll(keepingCapacity: true)
        let text = String(decoding: key.prefix(24), as: UTF8.self)
        guard let number = Int64(text), "\(number)" == text, key.count <= 24 else {
            return (
                .badKey,
                "the record key is not an integer of 64 bits in decimal digits; key_format is int64 (of binary keys none is read)"
            )
        }
        EntityKey.append(number, to: &value)
        return nil
    }
}
