import FeatureHistory
import FeatureModel
import FeatureServer
import Testing
import WireProtocol

@testable import FeatureHTTP

@Suite struct HealthAndMetricsTests {
    @Test func aServerThatIsReady() async throws {
        try await withHTTP { http in
            let health = try await http.get("/health")
            #expect(health.status == 200 && health.body.isEmpty, "as Feast's")
            for path in ["/livez", "/healthz", "/readyz"] {
                let got = try await http.get(path).body
                #expect(got == "ok\n")
            }
            let verbose = try await http.get("/readyz?verbose")
            #expect(verbose.body == "[+]server ok\n[+]store ok\n[+]ingest is off\nready\n")
        }
    }

    /// A store that stopped answers from memory still, but wants to be started anew.
    @Test func aStoreThatFailed() async throws {
        try await withHTTP { http in
            http.store.close()
            let health = try await http.get("/health")
            #expect(health.status == 503 && health.body.isEmpty)
            let ready = try await http.get("/readyz?verbose")
            #expect(ready.status == 503 && ready.body.contains("[-]store: stopped: closed\n"))
            #expect(ready.body.hasSuffix("\nnot ready\n"))
            let got = try await http.get("/readyz").body
            #expect(got == "not ready: see /readyz?verbose\n")
            let live = try await http.get("/livez").status
            #expect(live == 200)
        }
    }

    /// Kafka is no condition of being ready.
    @Test func troubleWithKafka() async throws {
        try await withHTTP { http in
            let state = HTTPState()
            let report = HealthReport(store: http.store, state: state) {
                StatusMessage.Ingest(state: "retrying", problem: "no broker", cluster: nil, lag: nil, partitions: [])
            }
            #expect(report.isReady)
            #expect(report.verbose.contains("\n[-]ingest retrying: no broker (not needed to be ready)\nready\n"))
            state.stop()
            #expect(!report.isReady && report.verbose.hasPrefix("[-]server: stopping\n"))
        }
    }

    /// Every sample's metric is told what it is, before it, once; nothing is told that has no source.
    @Test func theFormat() async throws {
        try await withHTTP { http in
            let before = try await http.get("/metrics")
            #expect(before.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(!before.body.contains("strandline_lookup") && !before.body.contains("kafka"))
            try http.commit(GoldenAnswerTests.orders)
            let body = #"{"feature_service":"small@1","entities":{"customer_id":[1,2]}}"#
            for _ in 0..<3 {
                let got = try await http.post(body).status
                #expect(got == 200)
            }
            let page = try await http.get("/metrics").body
            var kinds: [Substring: Substring] = [:]
            for line in page.split(separator: "\n") where line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                #expect(kinds.updateValue(words[3], forKey: words[2]) == nil, "told twice: \(line)")
            }
            for line in page.split(separator: "\n") where !line.hasPrefix("#") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { name.dropLast($0.count) }
                #expect(kinds[name] != nil || family.flatMap { kinds[$0] } == "histogram", "\(line)")
                #expect(line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
            }
            let lines = Set(page.split(separator: "\n"))
            for line in [
                "strandline_build_info{version=\"1.2.3\"} 1",
                "strandline_http_requests_total{endpoint=\"/get-online-features\",code=\"200\"} 3",
                "strandline_lookup_duration_seconds_count{protocol=\"http\",service=\"small@1\"} 3",
                "strandline_lookup_duration_seconds_bucket{protocol=\"http\",service=\"small@1\",le=\"+Inf\"} 3",
                "strandline_lookup_rows_total{protocol=\"http\",service=\"small@1\"} 6",
                "strandline_store_commits_total 1", "strandline_store_failed 0", "strandline_resident_entities 5",
                "strandline_newest_commit_timestamp_seconds 1700000000",
            ] { #expect(lines.contains(Substring(line)), "\(line)\n\(page)") }
        }
    }

    @Test func labelsAreEscaped() {
        var text = PrometheusText()
        text.family("x", .gauge, "Help.", [([("a", "q\"b\\c\nd")], 0.5), ([], -2)])
        text.family("gone", .counter, "Help.", [])
        text.family("gone", .counter, "Help.", nil)
        #expect(text.text == "# HELP x Help.\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\"} 0.5\nx -2\n")
    }
}
