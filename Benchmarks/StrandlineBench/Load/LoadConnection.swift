import Glibc

/// The requests that a connection has under way, in a ring: the oldest at `head`, the next one to be sent at `tail`.
///
///     slot = place in the ring = the request's number and its place in the send buffer
struct LoadConnection {
    let socket: Socket
    let output: UnsafeMutableRawBufferPointer
    let input: UnsafeMutableRawBufferPointer
    /// When each slot's request was sent, or was due. Nanoseconds.
    let sentAt: UnsafeMutableBufferPointer<UInt64>
    /// Whether each slot waits for its reply.
    let isPending: UnsafeMutableBufferPointer<Bool>
    var inputCount = 0
    /// Bytes of `output` still to be sent, where the socket did not take all.
    var unsent: Range<Int> = 0..<0
    var head = 0
    var tail = 0
    var pendingCount = 0
    var isOpen = true

    init<P: LoadProtocol>(_ socket: Socket, _ load: P, pipeline: Int) {
        self.socket = socket
        output = .allocate(byteCount: pipeline * load.requestBytes, alignment: 16)
        input = .allocate(byteCount: max(16 << 10, pipeline * load.replyBytesMax), alignment: 16)
        sentAt = .allocate(capacity: pipeline)
        isPending = .allocate(capacity: pipeline)
        sentAt.initialize(repeating: 0)
        isPending.initialize(repeating: false)
        for number in 0..<pipeline { load.prepare(output.baseAddress.unsafelyUnwrapped + number * load.requestBytes) }
    }

    func free() {
        output.deallocate()
        input.deallocate()
        sentAt.deallocate()
        isPending.deallocate()
    }

    /// Takes the next slot; the caller knows that it is free.
    @inline(__always)
    mutating func take(at time: UInt64) -> Int {
        let slot = tail
        tail = slot + 1 == sentAt.count ? 0 : slot + 1
        isPending[slot] = true
        sentAt[slot] = time
        pendingCount += 1
        return slot
    }

    /// The slot that a reply answers; nil when it answers none.
    @inline(__always)
    mutating func answer(_ number: Int, isInOrder: Bool) -> Int? {
        let slot = isInOrder ? head : number
        guard slot >= 0, slot < isPending.count, isPending[slot] else { return nil }
        if isInOrder { head = slot + 1 == sentAt.count ? 0 : slot + 1 }
        isPending[slot] = false
        pendingCount -= 1
        return slot
    }

    mutating func drop() {
        isOpen = false
        socket.shut()
    }
}
