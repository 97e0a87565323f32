// One thread, one epoll, any number of connections. Nothing is allocated per request or reply, but for the replies that are
// kept to be checked.
//
//   closed loop   a connection sends its pipeline's requests at once and, when all are answered, the next ones
//   open loop     requests are due at an even rate, whatever the replies do; a latency counts from when its request was due

import CEpoll
import Glibc
import Scheduling

struct LoadResult {
    var requests = 0
    var values = 0
    var errors = 0
    var seconds = 0.0
    var latencies = LatencyHistogram()
    var serverMicroseconds: Int64?
    /// One in a hundred requests with its reply, each with its length in front.
    var samples: [UInt8] = []
}

struct LoadGenerator<P: LoadProtocol> {
    let load: P
    let pipeline: Int
    /// Requests a second over all connections; nil: closed loop.
    let rate: Double?
    /// How many of an open loop's requests are due at the same instant.
    let burst: Int
    let seconds: Double
    let warmUpSeconds: Double
    let serverProcess: Int32?
    let keepsSamples: Bool

    func run(_ sockets: [Socket]) throws -> LoadResult {
        // What measures must not wait for what is measured, whichever server that is.
        ThreadManners.shortSlices.take()
        var turn = LoadTurn(self, sockets)
        defer { turn.free() }
        var result = LoadResult()
        turn.run(until: Measure.nanoseconds() + UInt64(warmUpSeconds * 1e9), &result)
        result = LoadResult()
        let processor = serverProcess.flatMap { Measure.processorMicroseconds(of: $0) }
        let began = Measure.nanoseconds()
        turn.run(until: began + UInt64(seconds * 1e9), &result)
        result.seconds = Double(Measure.nanoseconds() - began) / 1e9
        if let processor, let after = serverProcess.flatMap({ Measure.processorMicroseconds(of: $0) }) {
            result.serverMicroseconds = after - processor
        }
        guard turn.openCount > 0 else {
            throw BenchError("every connection broke; the last reply was no reply of this protocol, or the server left")
        }
        return result
    }
}

/// The connections of a run, and the loop over them.
struct LoadTurn<P: LoadProtocol> {
    private let generator: LoadGenerator<P>
    private let load: P
    private let epoll: Int32
    private let connections: UnsafeMutableBufferPointer<LoadConnection>
    private var random = LoadRandom()
    /// Open loop: when the next request is due, and whose turn it is.
    private var due: UInt64 = 0
    private var next = 0
    private var sentOfBurst = 0
    private var began = false

    init(_ generator: LoadGenerator<P>, _ sockets: [Socket]) {
        self.generator = generator
        load = generator.load
        epoll = epoll_create1(0)
        connections = .allocate(capacity: sockets.count)
        for (index, socket) in sockets.enumerated() {
            connections.initializeElement(
                at: index,
                to: LoadConnection(socket, generator.load, pipeline: generator.pipeline)
            )
            socket.makeNonBlocking()
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(index)))
            epoll_ctl(epoll, EPOLL_CTL_ADD, socket.descriptor, &event)
        }
    }

    func free() {
        for connection in connections { connection.free() }
        connections.deallocate()
        close(epoll)
    }

    var openCount: Int { connections.reduce(0) { $0 + ($1.isOpen ? 1 : 0) } }

    /// Serves the connections until the time is over.
    mutating func run(until end: UInt64, _ result: inout LoadResult) {
        if !began, generator.rate == nil {
            for index in connections.indices { sendAll(index) }
        }
        began = true
        due = Measure.nanoseconds()
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            while true {
                let count = epoll_pwait2(epoll, events.baseAddress, Int32(events.count), wait(until: end), nil)
                // A server that was woken on this core would wait here for the clock's next tick.
                if count == 0, generator.rate == nil { sched_yield() }
                for place in 0..<max(0, Int(count)) {
                    let index = Int(events[place].data.u64)
                    if events[place].events & EPOLLOUT.rawValue != 0 { resume(index) }
                    if connections[index].isOpen { receive(index, &result) }
                }
                let now = Measure.nanoseconds()
                if now >= end { break }
                if let rate = generator.rate { sendDue(now, UInt64(1e9 / rate)) }
            }
        }
    }

    /// How long to wait at most for replies: until the next request is due. A closed loop does not sleep. A client that sleeps has
    /// to be woken by the server's writes, mostly onto the server's own core: what a load of clients on one machine costs
    /// the server, and not what the server costs. Clients elsewhere have cores of their own.
    private func wait(until end: UInt64) -> UnsafePointer<timespec> {
        let now = Measure.nanoseconds()
        let wanted = generator.rate == nil ? now : min(end, due)
        let nanoseconds = min(wanted > now ? wanted - now : 0, 100_000_000)
        LoadClock.timeout.pointee = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
        return UnsafePointer(LoadClock.timeout)
    }

    // MARK: Sending

    /// Sends the next requests of a connection that has none under way.
    private mutating func sendAll(_ index: Int) {
        let now = Measure.nanoseconds()
        let base = connections[index].output.baseAddress.unsafelyUnwrapped
        connections[index].head = 0
        connections[index].tail = 0
        for _ in 0..<generator.pipeline {
            let slot = connections[index].take(at: now)
            load.set(base + slot * load.requestBytes, number: slot, &random)
        }
        connections[index].unsent = 0..<connections[index].output.count
        push(index)
    }

    /// Sends the requests that are due by now, connection after connection. One that has its ring full is passed over; where
    /// all have, requests wait, and their latency counts on.
    private mutating func sendDue(_ now: UInt64, _ interval: UInt64) {
        while due <= now {
            var tries = connections.count
            while tries > 0 {
                next = next + 1 == connections.count ? 0 : next + 1
                if canSend(next) { break }
                tries -= 1
            }
            guard tries > 0 else { return }
            let slot = connections[next].take(at: due)
            let start = slot * load.requestBytes
            load.set(
                connections[next].output.baseAddress.unsafelyUnwrapped + start,
                number: slot,
                &random
            )
            connections[next].unsent = start..<(start + load.requestBytes)
            push(next)
            sentOfBurst += 1
            if sentOfBurst == generator.burst {
                sentOfBurst = 0
                due += interval * UInt64(generator.burst)
            }
        }
    }

    private func canSend(_ index: Int) -> Bool {
        let connection = connections[index]
        return connection.isOpen && connection.unsent.isEmpty && !connection.isPending[connection.tail]
    }

    /// Goes on with a send that the socket's buffer did not take wholly.
    private func resume(_ index: Int) {
        watch(index, EPOLLIN.rawValue)
        push(index)
    }

    private func push(_ index: Int) {
        let base = connections[index].output.baseAddress.unsafelyUnwrapped
        while !connections[index].unsent.isEmpty {
            let unsent = connections[index].unsent
            let count = write(connections[index].socket.descriptor, base + unsent.lowerBound, unsent.count)
            if count > 0 {
                connections[index].unsent = (unsent.lowerBound + count)..<unsent.upperBound
            } else if count < 0, errno == EAGAIN {
                return watch(index, EPOLLIN.rawValue | EPOLLOUT.rawValue)
            } else {
                return connections[index].drop()
            }
        }
    }

    private func watch(_ index: Int, _ events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: UInt64(index)))
        epoll_ctl(epoll, EPOLL_CTL_MOD, connections[index].socket.descriptor, &event)
    }

    // MARK: Receiving

    private mutating func receive(_ index: Int, _ result: inout LoadResult) {
        let input = connections[index].input
        let base = input.baseAddress.unsafelyUnwrapped
        var filled = connections[index].inputCount
        let count = read(connections[index].socket.descriptor, base + filled, input.count - filled)
        if count <= 0 {
            if count < 0, errno == EAGAIN { return }
            result.errors += connections[index].pendingCount
            return connections[index].drop()
        }
        filled += count
        let now = Measure.nanoseconds()
        var start = 0
        reading: while start < filled {
            let bytes = UnsafeRawBufferPointer(start: base + start, count: filled - start)
            let (byteCount, number, values): (Int, Int, Int?)
            switch load.parse(bytes) {
            case .incomplete: break reading
            case .good(let length, let answered, let found): (byteCount, number, values) = (length, answered, found)
            case .failed(let length, let answered): (byteCount, number, values) = (length, answered, nil)
            case .garbage:
                result.errors += connections[index].pendingCount
                return connections[index].drop()
            }
            guard let slot = connections[index].answer(number, isInOrder: load.isInOrder) else {
                result.errors += 1
                return connections[index].drop()
            }
            result.requests += 1
            result.latencies.add(nanoseconds: now - min(now, connections[index].sentAt[slot]))
            if let values { result.values += values } else { result.errors += 1 }
            if generator.keepsSamples, values != nil, result.requests % 100 == 0 {
                keep(index, slot, UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]), &result)
            }
            start += byteCount
        }
        if start > 0, start < filled { memmove(base, base + start, filled - start) }
        connections[index].inputCount = filled - start
        if generator.rate == nil, connections[index].pendingCount == 0 {
            // Bytes after the last reply that was asked for.
            if filled > start { result.errors += 1 }
            sendAll(index)
        }
    }

    private func keep(_ index: Int, _ slot: Int, _ reply: UnsafeRawBufferPointer, _ result: inout LoadResult) {
        let start = slot * load.requestBytes
        let output = UnsafeRawBufferPointer(connections[index].output)
        let request = UnsafeRawBufferPointer(rebasing: output[start..<(start + load.requestBytes)])
        for bytes in [request, reply] {
            withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { result.samples.append(contentsOf: $0) }
            result.samples.append(contentsOf: bytes)
        }
    }
}

/// Where the kernel reads how long to wait; one, since the generator is one thread.
private enum LoadClock {
    nonisolated(unsafe) static let timeout = UnsafeMutablePointer<timespec>.allocate(capacity: 1)
}
