// Errors in the shapes that Feast's own server answers with. Its client raises the class that is named here, with the
// message; docs/http.md has the table.

import FeatureHistory

/// A request that is answered with an error. The message never contains feature values, keys or tokens.
struct FeastFailure: Error {
    enum Shape {
        /// A JSON string that holds `{"module","class","message"}`; the class is one of `feast.errors`.
        case feast(class: String)
        /// `{"detail":[{"type","loc","msg","input"}]}`, for a body that is not of the request's shape.
        case validation(type: String, place: [String])
        /// `{"detail": message}`, for what is wrong before there is a request.
        case detail
    }

    var status: Int
    var shape: Shape
    var message: String
    /// Tells the client when to come again, in seconds. Feast's client repeats 429 and 503 by itself.
    var retryAfter: Int?

    init(_ status: Int, _ shape: Shape, _ message: String, retryAfter: Int? = nil) {
        self.status = status
        self.shape = shape
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Wrong for good: never 500 or above, which Feast's client would repeat for seconds.
    static func refused(_ message: String) -> FeastFailure { FeastFailure(422, .feast(class: "FeastError"), message) }

    static func invalid(_ type: String, _ place: [String], _ message: String) -> FeastFailure {
        FeastFailure(422, .validation(type: type, place: ["body"] + place), message)
    }

    static func busy(_ message: String) -> FeastFailure {
        FeastFailure(503, .feast(class: "FeastError"), message, retryAfter: 1)
    }

    /// What resolving or reading says.
    ///
    /// - Parameter unknown: the class for a name that there is not.
    init(_ error: StoreError, unknown: String = "FeastObjectNotFoundException") {
        switch error.code {
        case .unknownName: self.init(404, .feast(class: unknown), error.message)
        case .refused: self = .refused(error.message)
        default: self.init(500, .feast(class: "FeastError"), "the store cannot be read: \(error)")
        }
    }

    var body: [UInt8] {
        var text = JSONText()
        switch shape {
        case .feast(let name):
            text.raw("{\"module\":\"feast.errors\",\"class\":")
            text.string(name)
            text.raw(",\"message\":")
            text.string(message)
            text.raw("}")
            let inner = text.bytes
            text = JSONText(capacity: inner.count + 64)
            inner.withUnsafeBytes { text.string($0) }
        case .validation(let type, let place):
            text.raw("{\"detail\":[{\"type\":")
            text.string(type)
            text.raw(",\"loc\":[")
            var isFirst = true
            for part in place {
                text.separate(&isFirst)
                text.string(part)
            }
            text.raw("],\"msg\":")
            text.string(message)
            text.raw(",\"input\":null}]}")
        case .detail:
            text.raw("{\"detail\":")
            text.string(message)
            text.raw("}")
        }
        return text.bytes
    }
}
