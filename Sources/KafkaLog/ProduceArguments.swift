import CRdKafka

/// The argument list of `rd_kafka_produceva`, built without an allocation for a record without headers.
enum ProduceArguments {
    /// Something with an address for an empty value: a null address would make it a tombstone.
    private static let empty: StaticString = ""

    /// Runs `body` with the arguments, which are valid only inside it. `body` returns librdkafka's error object, null
    /// when the record was taken; the headers go over to librdkafka then.
    static func with(
        topic: String,
        partition: Int32?,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        headers: [(name: String, value: [UInt8]?)],
        timestamp: Int64?,
        token: UInt64,
        _ body: (UnsafeBufferPointer<rd_kafka_vu_t>) -> OpaquePointer?
    ) -> OpaquePointer? {
        let list = headers.isEmpty ? nil : make(headers)
        let result = topic.withCString { topic in
            withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
                var count = 0
                func add(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
                    var argument = rd_kafka_vu_t()
                    argument.vtype = type
                    fill(&argument)
                    arguments.initializeElement(at: count, to: argument)
                    count += 1
                }
                add(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic }
                add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
                add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = UnsafeMutableRawPointer(bitPattern: UInt(token)) }
                if let partition { add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition } }
                if let key { add(RD_KAFKA_VTYPE_KEY) { setBytes(key, on: &$0) } }
                if let value { add(RD_KAFKA_VTYPE_VALUE) { setBytes(value, on: &$0) } }
                if let timestamp { add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = timestamp } }
                if let list { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = list } }
                return body(UnsafeBufferPointer(rebasing: arguments[..<count]))
            }
        }
        if let list, result != nil { rd_kafka_headers_destroy(list) }
        return result
    }

    private static func setBytes(_ bytes: UnsafeRawBufferPointer, on argument: inout rd_kafka_vu_t) {
        let start = bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start)
        // librdkafka copies the bytes (`RD_KAFKA_MSG_F_COPY`) and does not write to them.
        argument.u.mem.ptr = UnsafeMutableRawPointer(mutating: start)
        argument.u.mem.size = bytes.count
    }

    private static func make(_ headers: [(name: String, value: [UInt8]?)]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            // -1: the name ends at its zero byte.
            guard let value else {
                rd_kafka_header_add(list, name, -1, nil, 0)
                continue
            }
            value.withUnsafeBytes { bytes in
                let start = bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start)
                _ = rd_kafka_header_add(list, name, -1, start, bytes.count)
            }
        }
        return list
    }
}
