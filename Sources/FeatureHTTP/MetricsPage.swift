// What GET /metrics shows. Only what has a source: a metric that cannot be told now is left out, not zero. docs/http.md
// lists the names.

import FeatureHistory
import FeatureModel
import FeatureServer
import Scheduling

struct MetricsPage: Sendable {
    let shared: ServerContext
    let state: HTTPState
    let version: String
    let ingest: @Sendable () -> StatusMessage.Ingest?

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Reads locks and files: on the pool.
    func text() async throws -> String {
        do { return try await shared.pool.run { page } } catch is CancellationError {
            throw FeastFailure.busy("the server is stopping")
        }
    }

    private var page: String {
        var text = PrometheusText()
        let status = StatusMessage(shared.store, version: version, ingest: ingest())
        text.family(
            "strandline_build_info",
            .gauge,
            "The running version; always 1.",
            [([("version", version)], 1)]
        )
        write(lookups: &text)
        text.family(
            "strandline_http_requests_total",
            .counter,
            "HTTP requests that were answered.",
            state.requestCounts.map { ([("endpoint", $0.endpoint), ("code", String($0.code))], Double($0.count)) }
        )
        write(ingest: status, &text)
        write(store: status, &text)
        ProcessFigures().write(to: &text)
        return text.text
    }

    /// Buckets end at powers of two of nanoseconds, 4 us to 1 s: there the histograms' own cells end, so counts are exact.
    private static let bucketOctaves = 12...30

    private func write(lookups text: inout PrometheusText) {
        let all = shared.latency.figures.filter { $0.figures.count > 0 }
        guard !all.isEmpty else { return }
        func labels(_ series: LatencyRegistry.Series) -> PrometheusText.Labels {
            [("protocol", series.transport.rawValue), ("service", series.service)]
        }
        let name = "strandline_lookup_duration_seconds"
        text.begin(name, .histogram, "From a lookup's last byte to its whole answer, inside the server.")
        for (series, figures) in all {
            for octave in Self.bucketOctaves {
                let edge = Double(UInt64(1) << UInt64(octave)) / 1e9
                let count = figures.count(belowOctave: octave)
                text.line(name + "_bucket", labels(series) + [("le", edge.description)], String(count))
            }
            text.line(name + "_bucket", labels(series) + [("le", "+Inf")], String(figures.count))
            text.line(name + "_sum", labels(series), (Double(figures.sumNanoseconds) / 1e9).description)
            text.line(name + "_count", labels(series), String(figures.count))
        }
        text.family(
            "strandline_lookup_rows_total",
            .counter,
            "Entities that were looked up.",
            all.map { (labels($0.series), Double($0.figures.rows)) }
        )
    }

    private func write(ingest status: StatusMessage, _ text: inout PrometheusText) {
        // Counters are named kind/source, those of dead letters kind/source/reason.
        var records: [(PrometheusText.Labels, Double)] = []
        var letters: [(PrometheusText.Labels, Double)] = []
        var rejected: [String: UInt64] = [:]
        for (counter, value) in status.counters.sorted(by: { $0.key < $1.key }) {
            let parts = counter.split(separator: "/").map { String($0) }
            switch (parts.first, parts.count) {
            case ("events", 2): records.append(([("source", parts[1]), ("result", "ok")], Double(value)))
            case ("dead_letters", 3):
                rejected[parts[1], default: 0] &+= value
                letters.append(([("source", parts[1]), ("reason", parts[2])], Double(value)))
            default: break
            }
        }
        records += rejected.sorted { $0.key < $1.key }.map {
            ([("source", $0.key), ("result", "dlq")], Double($0.value))
        }
        let accepted = "Records that became events (ok) or dead letters (dlq)."
        text.family("strandline_ingest_records_total", .counter, accepted, records)
        text.family("strandline_dead_letters_total", .counter, "Records that were not accepted, by reason.", letters)
        guard let ingest = status.ingest else { return }
        text.family(
            "strandline_ingest_state",
            .gauge,
            "1 for the state that ingest is in.",
            [([("state", ingest.state)], 1)]
        )
        func labels(_ partition: StatusMessage.Partition) -> PrometheusText.Labels {
            [
                ("source", partition.source), ("topic", partition.topic),
                ("partition", String(partition.partition)),
            ]
        }
        text.family(
            "strandline_kafka_consumer_lag",
            .gauge,
            "Records behind the newest one that the broker told of.",
            ingest.partitions.compactMap { partition in partition.lag.map { (labels(partition), Double($0)) } }
        )
        text.family(
            "strandline_kafka_offset",
            .gauge,
            "The next offset to consume, as it is stored.",
            ingest.partitions.map { (labels($0) + [("kind", "stored")], Double($0.next)) }
        )
    }

    private func write(store status: StatusMessage, _ text: inout PrometheusText) {
        let store = status.store
        func counter(_ name: String, _ help: String, _ value: UInt64) {
            text.family(name, .counter, help, Double(value))
        }
        func gauge(_ name: String, _ help: String, _ value: Double?) { text.family(name, .gauge, help, value) }
        counter("strandline_store_commits_total", "Commits since the store was made.", store.commits)
        let newest = store.newestCommit == nil ? nil : Double(shared.store.newestCommit.microseconds) / 1e6
        gauge("strandline_newest_commit_timestamp_seconds", "Arrival of the newest commit.", newest)
        gauge("strandline_resident_entities", "Entities in memory.", Double(store.residentEntities))
        gauge("strandline_resident_bytes", "What entities in memory take.", Double(store.residentBytes))
        gauge("strandline_unfolded_events", "Events that no fold covers yet.", Double(store.unfoldedEvents))
        gauge("strandline_store_failed", "1 when the store stopped after an error.", store.failure == nil ? 0 : 1)
        let outbox = shared.store.deadLetterSummary
        gauge("strandline_dead_letters_waiting", "Dead letters not forwarded yet.", Double(outbox.waiting))
        counter("strandline_dead_letters_dropped_total", "Dead letters dropped from a full outbox.", outbox.dropped)
        let horizons = shared.store.catalog.sources.filter { $0.value.horizon > .distantPast }
        text.family(
            "strandline_history_horizon_timestamp_seconds",
            .gauge,
            "Events before this have been dropped.",
            horizons.sorted { $0.key < $1.key }.map {
                ([("source", $0.key)], Double($0.value.horizon.microseconds) / 1e6)
            }
        )
    }
}
