// One thread, one epoll, any number of connections. Closed loop: a connection sends its pipeline's requests at once and,
// when all are answered, the next ones. Nothing is allocated per request or reply.

import CEpoll
import Glibc

struct LoadResult {
    var requests = 0
    var values = 0
    var errors = 0
    var seconds = 0.0
    var latencies = LatencyHistogram()
    var serverMicroseconds: Int64?
}

/// What one connection needs. Lives in a buffer for the whole run.
private struct Connection {
    let socket: Socket
    let output: UnsafeMutableRawBufferPointer
    let input: UnsafeMutableRawBufferPointer
    var inputCount = 0
    var outputSent = 0
    /// A bit for each request of the pipeline that is not answered yet.
    var pending: UInt64 = 0
    var sentAt: UInt64 = 0
    var isOpen = true
}

struct LoadGenerator<P: LoadProtocol> {
    let load: P
    let pipeline: Int
    let keys: Int
    let seconds: Double
    let warmUpSeconds: Double
    let serverProcess: Int32?

    func run(_ sockets: [Socket]) throws -> LoadResult {
        let epoll = epoll_create1(0)
        defer { close(epoll) }
        let connections = UnsafeMutableBufferPointer<Connection>.allocate(capacity: sockets.count)
        defer {
            for connection in connections {
                connection.output.deallocate()
                connection.input.deallocate()
            }
            connections.deallocate()
        }
        for (index, socket) in sockets.enumerated() {
            connections.initializeElement(at: index, to: makeConnection(socket))
            socket.makeNonBlocking()
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(index)))
            epoll_ctl(epoll, EPOLL_CTL_ADD, socket.descriptor, &event)
        }
        var result = LoadResult()
        var random = UInt64(Measure.nanoseconds())
        for index in connections.indices { send(&connections[index], &random, epoll, index) }
        _ = turn(epoll, connections, until: Measure.nanoseconds() + UInt64(warmUpSeconds * 1e9), &random, &result)
        result = LoadResult()
        let processor = serverProcess.flatMap { Measure.processorMicroseconds(of: $0) }
        let began = Measure.nanoseconds()
        let open = turn(epoll, connections, until: began + UInt64(seconds * 1e9), &random, &result)
        result.seconds = Double(Measure.nanoseconds() - began) / 1e9
        if let processor, let after = serverProcess.flatMap({ Measure.processorMicroseconds(of: $0) }) {
            result.serverMicroseconds = after - processor
        }
        guard open > 0 else {
            throw BenchError("every connection broke; the last reply was no reply of this protocol, or the server left")
        }
        return result
    }

    private func makeConnection(_ socket: Socket) -> Connection {
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: pipeline * load.requestBytes, alignment: 16)
        for number in 0..<pipeline { load.prepare(output.baseAddress.unsafelyUnwrapped + number * load.requestBytes) }
        return Connection(
            socket: socket,
            output: output,
            input: .allocate(byteCount: max(16 << 10, pipeline * 2048), alignment: 16)
        )
    }

    /// Serves the connections until the time is over; returns how many are still open.
    private func turn(
        _ epoll: Int32,
        _ connections: UnsafeMutableBufferPointer<Connection>,
        until end: UInt64,
        _ random: inout UInt64,
        _ result: inout LoadResult
    ) -> Int {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            while true {
                let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), 100)
                for place in 0..<max(0, Int(count)) {
                    let index = Int(events[place].data.u64)
                    if events[place].events & EPOLLOUT.rawValue != 0 { resume(&connections[index], epoll, index) }
                    if connections[index].isOpen { receive(&connections[index], &random, epoll, index, &result) }
                }
                if Measure.nanoseconds() >= end { break }
            }
            return connections.reduce(0) { $0 + ($1.isOpen ? 1 : 0) }
        }
    }

    /// Sends the next requests of a connection that has none under way.
    @inline(__always)
    private func send(_ connection: inout Connection, _ random: inout UInt64, _ epoll: Int32, _ index: Int) {
        var request = connection.output.baseAddress.unsafelyUnwrapped
        for number in 0..<pipeline {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            load.set(request, key: Int((random >> 16) % UInt64(keys)), number: number)
            request += load.requestBytes
        }
        connection.pending = pipeline == 64 ? .max : (1 << UInt64(pipeline)) - 1
        connection.outputSent = 0
        connection.sentAt = Measure.nanoseconds()
        push(&connection, epoll, index)
    }

    /// Goes on with a send that the socket's buffer did not take wholly.
    private func resume(_ connection: inout Connection, _ epoll: Int32, _ index: Int) {
        watch(connection, epoll, index, EPOLLIN.rawValue)
        push(&connection, epoll, index)
    }

    @inline(__always)
    private func push(_ connection: inout Connection, _ epoll: Int32, _ index: Int) {
        while connection.outputSent < connection.output.count {
            let count = write(
                connection.socket.descriptor,
                connection.output.baseAddress.unsafelyUnwrapped + connection.outputSent,
                connection.output.count - connection.outputSent
            )
            if count > 0 {
                connection.outputSent += count
            } else if count < 0, errno == EAGAIN {
                return watch(connection, epoll, index, EPOLLIN.rawValue | EPOLLOUT.rawValue)
            } else {
                return drop(&connection)
            }
        }
    }

    private func watch(_ connection: Connection, _ epoll: Int32, _ index: Int, _ events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: UInt64(index)))
        epoll_ctl(epoll, EPOLL_CTL_MOD, connection.socket.descriptor, &event)
    }

    private func drop(_ connection: inout Connection) {
        connection.isOpen = false
        connection.socket.shut()
    }

    @inline(__always)
    private func receive(
        _ connection: inout Connection,
        _ random: inout UInt64,
        _ epoll: Int32,
        _ index: Int,
        _ result: inout LoadResult
    ) {
        let base = connection.input.baseAddress.unsafelyUnwrapped
        let count = read(
            connection.socket.descriptor,
            base + connection.inputCount,
            connection.input.count - connection.inputCount
        )
        if count <= 0 {
            if count < 0, errno == EAGAIN { return }
            result.errors += connection.pending.nonzeroBitCount
            return drop(&connection)
        }
        connection.inputCount += count
        let now = Measure.nanoseconds()
        var start = 0
        reading: while start < connection.inputCount {
            let bytes = UnsafeRawBufferPointer(start: base + start, count: connection.inputCount - start)
            switch load.parse(bytes, pending: connection.pending) {
            case .incomplete: break reading
            case .good(let byteCount, let number, let values):
                start += byteCount
                result.values += values
                answered(&connection, number, now, &result)
            case .failed(let byteCount, let number):
                start += byteCount
                result.errors += 1
                answered(&connection, number, now, &result)
            case .garbage:
                result.errors += connection.pending.nonzeroBitCount
                return drop(&connection)
            }
        }
        connection.inputCount -= start
        if start > 0, connection.inputCount > 0 { memmove(base, base + start, connection.inputCount) }
        if connection.pending == 0 {
            // Bytes after the last reply that was asked for.
            if connection.inputCount > 0 { result.errors += 1 }
            send(&connection, &random, epoll, index)
        }
    }

    @inline(__always)
    private func answered(_ connection: inout Connection, _ number: Int, _ now: UInt64, _ result: inout LoadResult) {
        connection.pending &= ~(1 << UInt64(truncatingIfNeeded: number))
        result.requests += 1
        result.latencies.add(nanoseconds: now - connection.sentAt)
    }
}
