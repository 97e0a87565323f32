import FeatureModel
import FeatureTesting
import NIOCore
import Testing
import WireProtocol

@testable import FeatureServer

/// A million pipelined requests: each is answered once, in order, with its own id and its own entity's values.
@Suite(.timeLimit(.minutes(6)))
struct PipelineTests {
    @Test func aMillionRepliesInOrder() async throws {
        try await withServer { server in
            let customers: Int64 = 100
            for customer in 0..<customers {
                // Customer n has bought for n.
                try server.commit(
                    customers: customer..<(customer + 1),
                    amount: Double(customer),
                    at: server.clock.now,
                    firstOffset: customer
                )
            }
            let connection = try RawConnection.greeted(server)
            try connection.send(PrepareRequest(.references(["purchases:amount_sum_1h"])), id: 1)
            let prepared = try PreparedReply(body: try connection.readFrame().body)
            let asOf = server.clock.now.advanced(by: 1)
            // The requests of all customers, one after the other; only ids change from round to round.
            var round = ByteBuffer()
            var starts: [Int] = []
            for customer in 0..<customers {
                starts.append(round.writerIndex)
                var key: [UInt8] = []
                EntityKey.append(customer, to: &key)
                try LookupRequest(lookupID: prepared.lookupID, asOf: asOf, keys: [key])
                    .writeFrame(requestID: 0, into: &round)
            }
            let template = round
            let frame = 4 + 8 + 23 + 9
            // On a thread of its own: the shared pool may be busy with other tests for longer than a receive waits.
            let sender = TestThread { [template, starts] in
                var next: UInt32 = 1
                for _ in 0..<1000 {
                    var batch = ByteBuffer()
                    for _ in 0..<10 {
                        var copy = template
                        for start in starts {
                            copy.setInteger(next, at: start + 8, endianness: .little)
                            next += 1
                        }
                        batch.writeImmutableBuffer(copy)
                    }
                    connection.send(batch)
                }
            }
            var wrong = 0
            for id in UInt32(1)...1_000_000 {
                let reply = try connection.readBytes(frame)
                let customer = Double((id - 1) % UInt32(customers))
                let isRight =
                    reply.getInteger(at: reply.readerIndex, endianness: .little, as: UInt32.self) == UInt32(frame - 4)
                    && reply.getInteger(at: reply.readerIndex + 4, as: UInt8.self) == MessageType.values.rawValue
                    && reply.getInteger(at: reply.readerIndex + 8, endianness: .little, as: UInt32.self) == id
                    && reply.getInteger(at: reply.readerIndex + 36, endianness: .little, as: UInt64.self)
                        == customer.bitPattern
                if !isRight { wrong += 1 }
            }
            sender.join()
            #expect(wrong == 0)
        }
    }
}
