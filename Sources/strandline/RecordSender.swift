// Lines to records. What the brokers do with them comes back later, so each record carries the number of its line.
//
//   reach a broker --> read a line --> queue it --> delivery reports --> done when nothing is outstanding
//
// librdkafka tries for minutes without a word. A person at a terminal wants to know within seconds, so the waits are ours:
// some seconds for the first broker, and some without a delivery while the client complains about connections.

import KafkaLog

struct RecordSender {
    let producer: KafkaProducer
    let bootstrap: String
    let topic: String
    /// The records' Kafka timestamp; nil: when they are queued.
    let timestampMilliseconds: Int64?
    /// Makes a line, with its number, a record.
    let record: (_ line: [UInt8], _ number: Int) throws -> Record

    /// A record's key and value; without a value it is a delete.
    typealias Record = (key: [UInt8]?, value: [UInt8]?)

    /// How long to wait for a broker, in milliseconds, in steps between which the client's complaints are looked at.
    private static let firstSteps = [500, 2500, 5000]
    /// A refused connection is not going to be another one soon.
    private static let refusedAfterSteps = 2
    private static let stallMilliseconds: Int64 = 10_000

    /// Returns when a broker has answered.
    func reach() throws {
        var problem: KafkaError?
        // librdkafka complains once about the same thing.
        var hasComplained = false
        for (step, milliseconds) in Self.firstSteps.enumerated() {
            do throws(KafkaError) { return try producer.reach(timeoutMilliseconds: milliseconds) } catch {
                _ = try producer.poll(timeoutMilliseconds: 0)
                let complaint = producer.takeErrors().first { $0.code != .allBrokersDown }
                problem = complaint ?? problem ?? error
                hasComplained = hasComplained || complaint != nil
                if let complaint, !complaint.isOfConnection { throw complaint }
                if step == 0 { Failure.printOnTerminal("waiting for a broker at \(bootstrap) ...") }
                if hasComplained, step + 1 >= Self.refusedAfterSteps { break }
            }
        }
        throw unreachable(problem)
    }

    /// Sends every line that is not blank.
    /// - Returns: how many records the brokers took.
    func send(_ lines: RecordLines) throws -> Int {
        let total = lines.byteCount
        var bar = total.map { ProgressBar("producing", total: $0) }
        var trouble: Trouble?
        var sent = 0
        while let line = try lines.next() {
            if line.isEmpty { continue }
            let record = try record(line, lines.number)
            while try !queue(record, lines) { try collect(lines.name, &trouble, waiting: 100) }
            sent += 1
            if sent % 1000 == 0 {
                try collect(lines.name, &trouble, waiting: 0)
                bar?.update(lines.bytesRead)
            }
        }
        while producer.outstanding > 0 { try collect(lines.name, &trouble, waiting: 100) }
        if let total { bar?.update(total) }
        return sent
    }

    /// - Returns: false when the producer's queue is full: collect reports, then try again.
    private func queue(_ record: Record, _ lines: RecordLines) throws -> Bool {
        do throws(KafkaError) {
            try producer.produce(
                topic: topic,
                key: record.key,
                value: record.value,
                timestampMilliseconds: timestampMilliseconds,
                token: UInt64(lines.number)
            )
        } catch {
            if error.code == .queueFull { return false }
            throw failure(error, line: lines.number, of: lines.name)
        }
        return true
    }

    /// The newest complaint, and when the first one came after the last delivery.
    private struct Trouble {
        var problem: KafkaError
        let since: Int64
    }

    /// Takes delivery reports; the first failed one ends the command, and so does a trouble that lasts.
    private func collect(_ name: String, _ trouble: inout Trouble?, waiting milliseconds: Int) throws {
        let reports = try producer.poll(timeoutMilliseconds: milliseconds)
        for report in reports {
            if let error = report.error { throw failure(error, line: Int(report.token), of: name) }
        }
        let now = SystemClock.milliseconds()
        if !reports.isEmpty { trouble = nil }
        for problem in producer.takeErrors() where problem.isOfConnection && problem.code != .allBrokersDown {
            trouble = Trouble(problem: problem, since: trouble?.since ?? now)
        }
        // Only with a complaint: brokers that are slow, or that make the topic first, are there.
        if let trouble, now - trouble.since > Self.stallMilliseconds { throw unreachable(trouble.problem) }
    }

    private func failure(_ error: KafkaError, line: Int, of name: String) -> Failure {
        error.isOfConnection ? unreachable(error) : Failure(.failed, "\(name): line \(line): \(error.message)")
    }

    private func unreachable(_ problem: KafkaError?) -> Failure {
        // librdkafka appends how long it was in which state of its own.
        let text = problem?.message ?? "no answer"
        let reason = text[..<(text.firstRange(of: " (after ")?.lowerBound ?? text.endIndex)]
        return Failure(
            .unreachable,
            "no Kafka broker answers at \(bootstrap): \(reason)\n"
                + "give --bootstrap the address of one, or start one with: strandline dev-broker --topic \(topic):4"
        )
    }
}

extension KafkaError {
    /// Whether a broker could not be spoken to, as opposed to one that said no.
    fileprivate var isOfConnection: Bool {
        [.transport, .allBrokersDown, .timedOut, .messageTimedOut, .resolve].contains(code)
    }
}
