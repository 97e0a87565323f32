// The ADMIN verb `stats`: how long lookups took inside the server.

import WireProtocol

/// Reply of `stats`. Durations are in microseconds.
public struct StatsMessage: Codable, Sendable {
    public struct Durations: Codable, Sendable {
        public var mean: Double
        public var p50: Double
        public var p90: Double
        public var p99: Double
        public var p999: Double
        public var max: Double
    }

    public struct Lookups: Codable, Sendable {
        /// `name@version`; `(features)` for lists of features that are no service.
        public var service: String
        /// `tcp` or `http`.
        public var `protocol`: String
        public var count: UInt64
        /// Entities, over all lookups.
        public var rows: UInt64
        public var microseconds: Durations
    }

    public var lookups: [Lookups]
}

extension AdminRouter {
    /// The verb `stats`.
    public mutating func onStats(of latency: LatencyRegistry) {
        on("stats") { _ throws(WireError) in try Self.reply(StatsMessage(latency)) }
    }
}

extension StatsMessage {
    init(_ latency: LatencyRegistry) {
        lookups = latency.figures.compactMap { series, figures in
            let count = figures.count
            guard count > 0 else { return nil }
            func microseconds(_ part: Double) -> Double { Double(figures.quantile(part) ?? 0) / 1000 }
            return Lookups(
                service: series.service,
                protocol: series.transport.rawValue,
                count: count,
                rows: figures.rows,
                microseconds: Durations(
                    mean: Double(figures.sumNanoseconds) / 1000 / Double(count),
                    p50: microseconds(0.5),
                    p90: microseconds(0.9),
                    p99: microseconds(0.99),
                    p999: microseconds(0.999),
                    max: microseconds(1)
                )
            )
        }
    }
}
