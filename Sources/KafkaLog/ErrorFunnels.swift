import CRdKafka

// librdkafka reports errors in three ways. Each has one function here that knows it.

/// A response code: 0 is success.
func check(_ code: rd_kafka_resp_err_t) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw KafkaError(code)
}

/// An error object: null is success; another one is ours to free.
func check(_ object: OpaquePointer?) throws(KafkaError) {
    guard let object else { return }
    defer { rd_kafka_error_destroy(object) }
    let code = KafkaError.Code(rd_kafka_error_code(object))
    throw KafkaError(
        code: code,
        message: String(cString: rd_kafka_error_string(object)),
        isFatal: rd_kafka_error_is_fatal(object) != 0 || code == .fatal,
        // The object's own word is about transactions; it calls a full queue not retriable.
        isRetriable: rd_kafka_error_is_retriable(object) != 0 || code.isRetriable
    )
}

/// A text buffer that is filled on failure: gives `body` one, and returns its text beside the result.
func withErrorText<R>(_ body: (UnsafeMutablePointer<CChar>, Int) -> R) -> (result: R, text: String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
        buffer.initialize(repeating: 0)
        // The temporary allocation is not empty, so it has an address.
        guard let start = buffer.baseAddress else { preconditionFailure("a temporary buffer without an address") }
        let result = body(start, buffer.count)
        return (result, String(cString: start))
    }
}

extension KafkaError {
    init(_ code: rd_kafka_resp_err_t) {
        self.init(code: Code(code), message: String(cString: rd_kafka_err2str(code)))
    }
}
