import FeatureModel
import FeatureTesting
import Testing
import Windowing
import WireProtocol

@testable import FeatureHTTP

@Suite struct JSONTests {
    private func document(_ text: String) throws -> JSONDocument {
        var bytes = Array(text.utf8)
        return try bytes.withUnsafeMutableBytes { try JSONDocument(UnsafeRawBufferPointer($0)) }
    }

    @Test func tokens() throws {
        let parsed = try document(#"{"a":[1,-2.5,"x\u00e9",null,true,{}],"b":{"c":[[]]},"a":18446744073709551615}"#)
        let members = parsed.members(of: 0)
        #expect(members.map(\.key) == ["a", "b", "a"])
        let list = members[0].value
        guard case .array(6) = parsed[list], case .int64(1) = parsed[list + 1], case .float64(-2.5) = parsed[list + 2],
            case .null = parsed[list + 4], case .bool(true) = parsed[list + 5], case .object(0) = parsed[list + 6]
        else {
            Issue.record("not the tokens of the text")
            return
        }
        #expect(parsed.string(list + 3) == "xé" && parsed.string(list + 1) == nil)
        #expect(parsed.end(of: list) == list + 7 && parsed.end(of: list + 6) == list + 7)
        #expect(parsed.members(of: members[1].value).map(\.key) == ["c"])
        guard case .float64(0x1p64) = parsed[members[2].value] else {
            Issue.record("beyond int64 it is a float")
            return
        }
    }

    @Test func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try document(nested(14))
        #expect(throws: JSONProblem.self) { try document(nested(17)) }
        #expect(throws: JSONProblem.self) { try document(nested(100_000)) }
    }

    /// No cut of a document is one.
    @Test func everyPrefix() {
        let text = #"{"entities":{"a":[1,"b\n",null,1e3]},"features":["x:y"]}"#
        for count in 0..<text.utf8.count {
            #expect(throws: JSONProblem.self) { try document(String(text.prefix(count))) }
        }
    }

    /// Whatever the bytes, a request is read or refused.
    @Test func mutatedRequests() throws {
        var random = SplitMix64(seed: 5)
        let whole = Array(
            #"{"entities":{"a":[1,"b\n",null,1e3],"c":[1,2,3,4]},"features":["x:y"],"full_feature_names":true}"#.utf8
        )
        var read = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0...Int(random.next() % 3) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                let parsed = try bytes.withUnsafeBytes { try JSONDocument($0) }
                _ = try OnlineFeaturesRequest(parsed, limits: .standard)
                read += 1
            } catch is JSONProblem {} catch is FeastFailure {}
        }
        #expect(read > 0)
    }

    @Test func numbersAndStrings() throws {
        var text = JSONText()
        for number in [0, 7, -1, Int64.max, .min] {
            text.number(number)
            text.raw(" ")
        }
        for number in [3.0, -0.5, 1e-7, 1e300, 0.1] {
            let isWritten = text.number(number)
            #expect(isWritten)
        }
        let beyond = [text.number(Double.nan), text.number(-Double.infinity)]
        #expect(beyond == [false, false])
        #expect(
            String(decoding: text.bytes, as: UTF8.self).hasPrefix(
                "0 7 -1 9223372036854775807 -9223372036854775808 3.0-0.51e-07"
            )
        )
        for sample in ["", "plain", "\"\\\u{1}\u{1f}\n\r\t/é🙂", String(repeating: "\"", count: 100)] {
            var text = JSONText()
            text.string(sample)
            #expect(try document(String(decoding: text.bytes, as: UTF8.self)).string(0) == sample)
        }
    }

    @Test func secondsAreRoundedDown() {
        for (microseconds, seconds) in [
            (0, 0), (999_999, 0), (1_000_000, 1), (-1, -1), (-1_000_000, -1), (-1_000_001, -2),
        ] {
            #expect(Instant(microseconds: Int64(microseconds)).epochSeconds == Int64(seconds))
        }
        #expect(Instant.distantPast.epochSeconds == -9_223_372_036_855)
    }
}
