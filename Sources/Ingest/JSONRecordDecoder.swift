import CSimdJSON
import FeatureModel

/// One field that a record decoder looks for.
struct DecodedField: Hashable {
    enum Kind: Hashable {
        case value(ValueType)
        /// Event time, or a column of type timestamp, in the source's stated format.
        case time(TimestampFormat)
        /// An object that other fields are members of; there or not.
        case object
        /// An object of the record itself whose members stand for the record's, such as `payload` beside `schema`.
        case wrapper
    }

    var name: String
    var kind: Kind
    /// The field, before this one, of the object that this one is a member of; nil: the record itself.
    var parent: Int?

    init(name: String, kind: Kind, parent: Int? = nil) {
        self.name = name
        self.kind = kind
        self.parent = parent
    }
}

/// The owner of a simdjson decoder: one JSON record in, one slot a field out. For one thread at a time.
final class JSONRecordDecoder {
    /// Why a record was not decoded.
    enum Failure {
        case badJSON(detail: String)
        case wrongType(field: Int)
        case nonFinite(field: Int)
        case badTime(field: Int)
    }

    let fields: [DecodedField]
    private let handle: OpaquePointer
    /// One slot a field of the last record; strings refer to `text`.
    let slots: UnsafeMutablePointer<UInt64>
    private var nulls: (UInt64, UInt64) = (0, 0)

    /// - Returns: nil for more than 128 fields, or a parent that is no object before its member.
    init?(fields: [DecodedField]) {
        var names: [UInt8] = []
        var spans: [(start: Int, count: Int)] = []
        for field in fields {
            spans.append((names.count, field.name.utf8.count))
            names.append(contentsOf: field.name.utf8)
        }
        names.append(0)
        let handle: OpaquePointer? = names.withUnsafeBytes { bytes in
            let base = bytes.bindMemory(to: CChar.self).baseAddress
            let described = zip(fields, spans).map { field, span in
                strandline_json_field(
                    name: base.map { $0 + span.start },
                    name_length: span.count,
                    kind: field.cKind,
                    parent: field.parent.map { Int32(truncatingIfNeeded: $0) } ?? -1
                )
            }
            return strandline_json_decoder_create(described, described.count)
        }
        guard let handle else { return nil }
        self.fields = fields
        self.handle = handle
        slots = .allocate(capacity: max(1, fields.count))
        slots.initialize(repeating: 0, count: max(1, fields.count))
    }

    deinit {
        strandline_json_decoder_destroy(handle)
        slots.deallocate()
    }

    /// Decodes one record; nil when it went well. Slots and text are valid until the next call.
    func decode(_ payload: UnsafeRawBufferPointer) -> Failure? {
        var badField = 0
        var detail: UnsafePointer<CChar>?
        let bytes = payload.bindMemory(to: UInt8.self).baseAddress
        let status = withUnsafeMutablePointer(to: &nulls) { nulls in
            nulls.withMemoryRebound(to: UInt64.self, capacity: 2) {
                strandline_json_decode(handle, bytes, payload.count, slots, $0, &badField, &detail)
            }
        }
        switch status {
        case STRANDLINE_JSON_OK: return nil
        case STRANDLINE_JSON_WRONG_TYPE: return .wrongType(field: badField)
        case STRANDLINE_JSON_NON_FINITE: return .nonFinite(field: badField)
        case STRANDLINE_JSON_BAD_TIME: return .badTime(field: badField)
        default: return .badJSON(detail: detail.map { String(cString: $0) } ?? "not a JSON object")
        }
    }

    @inline(__always)
    func isNull(_ field: Int) -> Bool {
        (field < 64 ? nulls.0 >> UInt64(field) : nulls.1 >> UInt64(field - 64)) & 1 != 0
    }

    /// The last record, borrowed until the next call.
    @inline(__always)
    var row: DecodedRow {
        DecodedRow(slots: slots, nulls: nulls, strings: UnsafeRawPointer(strandline_json_decoder_text(handle)))
    }

    /// The bytes of a string slot of the last record.
    @inline(__always)
    func text(_ slot: UInt64) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: strandline_json_decoder_text(handle) + Int(slot >> 32),
            count: Int(slot & 0xffff_ffff)
        )
    }
}

extension DecodedField {
    fileprivate var cKind: strandline_json_kind {
        switch kind {
        case .value(.int64): STRANDLINE_JSON_INT64
        case .value(.float64): STRANDLINE_JSON_FLOAT64
        case .value(.string): STRANDLINE_JSON_STRING
        case .value(.bool): STRANDLINE_JSON_BOOL
        case .value(.timestamp), .time(.iso8601): STRANDLINE_JSON_STRING
        case .time(.epochSeconds): STRANDLINE_JSON_EPOCH_S
        case .time(.epochMilliseconds): STRANDLINE_JSON_EPOCH_MS
        case .time(.epochMicroseconds): STRANDLINE_JSON_EPOCH_US
        case .object: STRANDLINE_JSON_OBJECT
        case .wrapper: STRANDLINE_JSON_WRAPPER
        }
    }

    /// Whether the slot is text that must be parsed as ISO 8601.
    var isTextTime: Bool { kind == .time(.iso8601) }

    /// What a value of this field must be, for messages.
    var expectation: String {
        switch kind {
        case .value(.int64): "an integer of 64 bits"
        case .value(.float64): "a number"
        case .value(.string): "a string"
        case .value(.bool): "true or false"
        case .value(.timestamp): "a time"
        case .time(let format): "a time in the format \(format.rawValue)"
        case .object, .wrapper: "an object"
        }
    }
}
