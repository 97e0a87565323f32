import NIOCore
import Testing
import WireProtocol

@Suite struct ErrorReplyTests {
    /// Cut at a character, so that it fits the limit before WELCOME and stays UTF-8.
    @Test(arguments: ["a", "é", "🌊", "x🌊"]) func longMessagesAreCut(unit: String) throws {
        for count in [2047 / unit.utf8.count, 2048 / unit.utf8.count, 2048 / unit.utf8.count + 1, 5000] {
            let message = String(repeating: unit, count: count)
            var buffer = ByteBuffer()
            FrameWriter.writeError(WireError(.internalError, message), requestID: 3, into: &buffer)
            var decoder = FrameDecoder()
            let body = try #require(try decoder.next(from: &buffer)).body
            let read = try ErrorReply(body: body).error.message
            #expect(message.hasPrefix(read) && read.utf8.count <= 2048)
            #expect(read.utf8.count > 2044 || read == message)
        }
    }

    @Test func codesSayWhatToDo() {
        let codes = (0...40).map { WireErrorCode(rawValue: $0) }
        #expect(codes.filter(\.closesConnection).map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7])
        #expect(codes.filter(\.isRetriable) == [.overloaded, .notReady])
        #expect(WireErrorCode.definitionsChanged.description == "DEFINITIONS_CHANGED")
        #expect(WireErrorCode(rawValue: 999).description == "CODE_999")
    }

    @Test func serviceNames() throws {
        #expect(try #require(PrepareRequest.split(service: "fraud")) == ("fraud", nil))
        #expect(try #require(PrepareRequest.split(service: "fraud@12")) == ("fraud", 12))
        for text in ["", "@1", "fraud@", "fraud@0", "fraud@-1", "fraud@+1", "fraud@1@2", "fraud@99999999999999999999"] {
            #expect(PrepareRequest.split(service: text) == nil)
        }
    }
}
