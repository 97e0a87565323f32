package import FeatureHistory

import FeatureModel
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// The histograms of a server: one for each feature service, protocol and event loop. Its lock is taken when a lookup is
/// prepared and when somebody reads; recording goes to a histogram itself.
public final class LatencyRegistry: Sendable {
    package enum Transport: String, Sendable, CaseIterable {
        case tcp, http
    }

    /// What is read together: a service's lookups over one protocol.
    package struct Series: Hashable, Sendable {
        package var transport: Transport
        /// `name@version`, or one of the two names below, which no service can have.
        package var service: String
    }

    /// Lookups of a list of features that is no service.
    package static let featureList = "(features)"
    /// Services beyond `seriesMax`, together: definitions come and go, memory must not grow with them.
    package static let others = "(others)"
    private let seriesMax: Int

    private struct Key: Hashable {
        var series: Series
        /// nil off the event loops.
        var loop: ObjectIdentifier?
    }

    private let histograms = NIOLockedValueBox<[Key: LatencyHistogram]>([:])

    public init() { seriesMax = 128 }

    /// For tests.
    init(seriesMax: Int) { self.seriesMax = seriesMax }

    /// Where lookups that are prepared on the calling thread are recorded.
    ///
    /// - Parameter service: as it was asked for; nil for a list of features.
    func histogram(service: String?, _ transport: Transport, in catalog: Catalog) -> LatencyHistogram {
        let known = service.flatMap { catalog.featureService($0) }
        let name = known.map { "\($0.name)@\($0.version)" } ?? Self.featureList
        let loop = MultiThreadedEventLoopGroup.currentEventLoop.map { ObjectIdentifier($0) }
        return histograms.withLockedValue { histograms in
            var key = Key(series: Series(transport: transport, service: name), loop: loop)
            if let known = histograms[key] { return known }
            if Set(histograms.keys.map(\.series)).count >= seriesMax { key.series.service = Self.others }
            let histogram = histograms[key] ?? LatencyHistogram()
            histograms[key] = histogram
            return histogram
        }
    }

    /// Everything since the server started, in the order of protocol and service.
    package var figures: [(series: Series, figures: LatencyFigures)] {
        var sums: [Series: LatencyFigures] = [:]
        for (key, histogram) in histograms.withLockedValue({ $0 }) {
            histogram.add(to: &sums[key.series, default: LatencyFigures()])
        }
        return sums.sorted {
            ($0.key.transport.rawValue, $0.key.service) < ($1.key.transport.rawValue, $1.key.service)
        }.map { ($0.key, $0.value) }
    }
}

/// Records lookups that have no prepared lookup of their own; for the HTTP side.
package struct LatencyRecorder: Sendable {
    private let histogram: LatencyHistogram

    package init(
        _ registry: LatencyRegistry,
        service: String?,
        _ transport: LatencyRegistry.Transport,
        in catalog: Catalog
    ) {
        histogram = registry.histogram(service: service, transport, in: catalog)
    }

    package func record(since start: NIODeadline, rows: Int) { histogram.record(since: start, rows: rows) }
}
