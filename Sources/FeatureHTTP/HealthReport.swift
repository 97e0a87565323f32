import FeatureHistory
import FeatureServer

/// Whether the server may get requests. Kafka is no condition: without it lookups go on, with what has come in so far.
struct HealthReport: Sendable {
    let store: FeatureStore
    let state: HTTPState
    let ingest: @Sendable () -> StatusMessage.Ingest?

    var isReady: Bool { !state.isStopping && store.failureReason == nil }

    /// A line for each part, `[+]` good or `[-]` not, as Kubernetes' own servers write it.
    var verbose: String {
        var lines = [
            state.isStopping ? "[-]server: stopping" : "[+]server ok",
            store.failureReason.map { "[-]store: \($0)" } ?? "[+]store ok",
        ]
        if let ingest = ingest() {
            let problem = ingest.problem.map { ": \($0)" } ?? ""
            let isGood = ingest.problem == nil
            lines.append((isGood ? "[+]" : "[-]") + "ingest \(ingest.state)\(problem) (not needed to be ready)")
        } else {
            lines.append("[+]ingest is off")
        }
        lines.append(isReady ? "ready" : "not ready")
        return lines.joined(separator: "\n") + "\n"
    }
}
