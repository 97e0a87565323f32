import FeatureHistory
import Testing

@testable import Ingest

@Suite struct ForwarderTests {
    static func letter(_ reason: RejectionReason, _ headers: [DeadLetter.Header]) -> DeadLetter {
        DeadLetter(
            source: "s",
            topic: "t",
            partition: 3,
            offset: 44,
            timestampMilliseconds: -1,
            reason: reason.rawValue,
            message: "why",
            key: nil,
            value: [1],
            headers: headers
        )
    }

    @Test func headersAreConnects() {
        let own = [
            DeadLetter.Header(name: "a", value: nil), DeadLetter.Header(name: "__connect.errors.topic", value: [120]),
        ]
        let headers = DeadLetterForwarder.headers(Self.letter(.badJSON, own))
        let texts = headers.map { "\($0.name)=\($0.value.map { String(decoding: $0, as: UTF8.self) } ?? "nil")" }
        #expect(
            texts == [
                "a=nil", "__connect.errors.topic=x", "__connect.errors.partition=3", "__connect.errors.offset=44",
                "__connect.errors.connector.name=s", "__connect.errors.task.id=0",
                "__connect.errors.stage=VALUE_CONVERTER",
                "__connect.errors.class.name=strandline.ingest", "__connect.errors.exception.class.name=bad_json",
                "__connect.errors.exception.message=why",
            ],
            "a header that is there already is not written over"
        )
    }

    @Test(arguments: RejectionReason.allCases) func stageTellsDecodingFromDeciding(reason: RejectionReason) {
        let stage = DeadLetterForwarder.headers(Self.letter(reason, [])).first { $0.name == "__connect.errors.stage" }?
            .value
        let isDecided = reason == .tooFarInFuture || reason == .outsideHistory
        #expect(stage == Array((isDecided ? "TASK_PUT" : "VALUE_CONVERTER").utf8))
    }
}
