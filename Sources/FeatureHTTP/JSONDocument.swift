import CSimdJSON

/// A JSON text as a flat list of tokens: a scalar is one token, an array or object is one token and then its contents.
/// For one thread.
///
///     {"a": [1, "x"]}      object(1) | key a | array(2) | int64 1 | string x
final class JSONDocument {
    enum Value {
        case null
        case bool(Bool)
        case int64(Int64)
        /// Always finite. Integers beyond int64 too.
        case float64(Double)
        /// UTF-8, valid as long as the document.
        case string(UnsafeRawBufferPointer)
        /// Its elements begin at the next token.
        case array(count: Int)
        /// Its members begin at the next token: a key, then the value.
        case object(count: Int)
    }

    /// What is deeper is no request of ours.
    private static let depthMax = 16

    private let handle: OpaquePointer
    private let tokens: UnsafePointer<strandline_json_token>
    private let text: UnsafePointer<UInt8>?

    /// - Throws: when the bytes are not one JSON value, with what the parser says.
    init(_ bytes: UnsafeRawBufferPointer) throws(JSONProblem) {
        var detail: UnsafePointer<CChar>?
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        guard let handle = strandline_json_document_parse(start, bytes.count, Self.depthMax, &detail) else {
            throw JSONProblem(detail: detail.map { String(cString: $0) } ?? "not JSON")
        }
        self.handle = handle
        tokens = strandline_json_document_tokens(handle)
        text = strandline_json_document_text(handle)
    }

    deinit { strandline_json_document_destroy(handle) }

    /// The value that begins at a token; a key reads as a string.
    subscript(index: Int) -> Value {
        let token = tokens[index]
        switch token.kind {
        case STRANDLINE_JSON_TOKEN_NULL.rawValue: return .null
        case STRANDLINE_JSON_TOKEN_BOOL.rawValue: return .bool(token.payload != 0)
        case STRANDLINE_JSON_TOKEN_INT64.rawValue: return .int64(Int64(bitPattern: token.payload))
        case STRANDLINE_JSON_TOKEN_DOUBLE.rawValue: return .float64(Double(bitPattern: token.payload))
        case STRANDLINE_JSON_TOKEN_ARRAY.rawValue: return .array(count: Int(token.length))
        case STRANDLINE_JSON_TOKEN_OBJECT.rawValue: return .object(count: Int(token.length))
        default:
            guard token.length > 0, let text else { return .string(UnsafeRawBufferPointer(start: nil, count: 0)) }
            return .string(
                UnsafeRawBufferPointer(start: text + Int(truncatingIfNeeded: token.payload), count: Int(token.length))
            )
        }
    }

    /// The text of a string or key; nil for anything else.
    func string(_ index: Int) -> String? {
        guard case .string(let bytes) = self[index] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The token after the value that begins at `index`.
    func end(of index: Int) -> Int {
        switch self[index] {
        case .array, .object: Int(truncatingIfNeeded: tokens[index].payload)
        default: index + 1
        }
    }

    /// The members of an object: where each key and value stand. Empty for anything else.
    func members(of index: Int) -> [(key: String, value: Int)] {
        guard case .object(let count) = self[index] else { return [] }
        var members: [(key: String, value: Int)] = []
        members.reserveCapacity(count)
        var place = index + 1
        for _ in 0..<count {
            members.append((string(place) ?? "", place + 1))
            place = end(of: place + 1)
        }
        return members
    }
}

/// Why a body is not a document.
struct JSONProblem: Error {
    var detail: String
}
