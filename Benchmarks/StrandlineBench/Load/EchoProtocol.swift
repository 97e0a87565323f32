/// Requests and replies of fixed sizes that mean nothing: what sockets and event loops alone can do; see `EchoCommand`.
struct EchoProtocol: LoadProtocol {
    let requestBytes: Int
    let replyBytes: Int
    let rows = 1
    let isInOrder = false
    var replyBytesMax: Int { replyBytes }

    func prepare(_ request: UnsafeMutableRawPointer) {
        request.initializeMemory(as: UInt8.self, repeating: 0, count: requestBytes)
    }

    func set(_ request: UnsafeMutableRawPointer, number: Int, _ random: inout LoadRandom) {
        request.storeBytes(of: UInt32(number), toByteOffset: 8, as: UInt32.self)
    }

    func parse(_ bytes: UnsafeRawBufferPointer) -> Reply {
        guard bytes.count >= replyBytes else { return .incomplete }
        return .good(
            byteCount: replyBytes,
            number: Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
            values: 0
        )
    }
}
