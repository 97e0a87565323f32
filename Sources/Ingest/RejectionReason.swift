/// Why a record became a dead letter. The raw value names its counter and stands in the dead letter: never rename.
public enum RejectionReason: String, Sendable, CaseIterable {
    /// Not one JSON object with nothing after it.
    case badJSON = "bad_json"
    /// A field's value has another type than the schema says, or does not fit it.
    case wrongType = "wrong_type"
    /// A join key is absent or null.
    case missingKey = "missing_key"
    /// A join key is longer than an entity key may be.
    case keyTooLong = "key_too_long"
    /// The timestamp field is absent or null.
    case missingTimestamp = "missing_timestamp"
    /// The timestamp is not in the stated format, or outside the years 1 to 9999.
    case badTimestamp = "bad_timestamp"
    /// NaN, an infinity, or a number beyond the doubles.
    case nonFinite = "non_finite"
    /// The event time lies more than `max_future` after the arrival.
    case tooFarInFuture = "too_far_in_future"
    /// The event time lies further before the arrival than `history` reaches.
    case outsideHistory = "outside_history"
    /// The value of a derived column or a filter does not fit its type.
    case expressionOverflow = "expression_overflow"
    /// The value is longer than `record_bytes_max`.
    case oversized
    /// The value begins like a Schema Registry record (byte 0, then a schema id), not like JSON.
    case schemaRegistryPrefix = "schema_registry_prefix"
    /// The record key of a delete is not what `key_format` says.
    case badKey = "bad_key"
    /// Not a change event of the source's envelope, or one of a kind that is not taken.
    case badEnvelope = "bad_envelope"
    /// A record without a value, which deletes its entity, of a source that attribute views read and that does not say
    /// how the record key names the entity.
    case nullValue = "null_value"
}
