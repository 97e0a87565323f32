// Batches to the server, some under way at a time, and what became of their rows.

import FeatureModel
import StrandlineClient
import WireProtocol

/// What became of all rows of a run.
struct EventTally {
    var new = 0
    var present = 0
    /// Accepted rows, and those of them that were there, by hours since the epoch.
    var hours: [Int64: (accepted: Int, known: Int)] = [:]
    /// The arrivals of the first and the last commit of the run; nil where nothing was written.
    var knownFrom: Instant?
    var knownTo: Instant?
    /// The newest commit that a reply knew.
    var newest: Instant?
    var rejected = RejectedRows()
}

struct EventSending {
    let client: StrandlineClient
    let files: EventFiles

    /// One that the server writes, one that it takes apart, and one on its way.
    private static let underWayMax = 3
    /// A server that has too much to write says so; how often it is asked again, with growing pauses of at most a second.
    private static let retriesMax = 600

    private struct Answer: Sendable {
        var origins: [UInt64]
        var reply: EventsReply
    }

    /// Sends all batches.
    func send(_ batches: inout EventBatches, total: Int) async throws -> EventTally {
        var tally = EventTally()
        var bar = ProgressBar("materialize", total: total)
        var done = 0
        try await withThrowingTaskGroup(of: Answer.self) { group in
            var underWay = 0
            func takeOne() async throws {
                guard let answer = try await group.next() else { return }
                underWay -= 1
                tally.take(answer.reply, answer.origins, files)
                done += answer.origins.count
                bar.update(done)
            }
            while let batch = try batches.next() {
                while underWay >= Self.underWayMax { try await takeOne() }
                let client = client
                group.addTask {
                    Answer(origins: batch.origins, reply: try await Self.send(batch.request, client))
                }
                underWay += 1
            }
            while underWay > 0 { try await takeOne() }
        }
        tally.rejected.add(batches.rejected)
        bar.update(total)
        return tally
    }

    private static func send(_ request: EventsRequest, _ client: StrandlineClient) async throws -> EventsReply {
        var pause = Duration.milliseconds(20)
        for _ in 0..<retriesMax {
            do throws(ClientError) { return try await client.events(request, within: .seconds(600)) } catch {
                guard error.code == .server(.overloaded) else { throw error }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
        throw Failure(
            .failed,
            "the server has had too much to write for ten minutes; what it took is kept, run it again"
        )
    }
}

extension EventTally {
    mutating func take(_ reply: EventsReply, _ origins: [UInt64], _ files: EventFiles) {
        new += Int(reply.new)
        present += Int(reply.present)
        newest = max(newest ?? reply.knownAt, reply.knownAt)
        if reply.isCommitted {
            knownFrom = min(knownFrom ?? reply.knownAt, reply.knownAt)
            knownTo = max(knownTo ?? reply.knownAt, reply.knownAt)
        }
        for hour in reply.hours {
            hours[hour.hour, default: (0, 0)].accepted += Int(hour.accepted)
            hours[hour.hour, default: (0, 0)].known += Int(hour.known)
        }
        for reason in reply.reasons { rejected.add(reason.reason, rows: Int(reason.rows)) }
        for row in reply.named where origins.indices.contains(Int(row.row)) {
            rejected.name(
                reply.reasons[Int(row.reason)].reason,
                row.message,
                files.place(of: origins[Int(row.row)])
            )
        }
    }
}
