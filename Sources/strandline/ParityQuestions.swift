import FeatureModel
import FeatureTesting

/// When a cell is asked for.
struct AuditPoint {
    /// nil is the server's now.
    var asOf: Instant?
    var knownAt: Instant
    var boundary: Boundary
}

/// Draws points where things happen: at events, at the edges of windows, at arrivals.
struct ParityQuestions {
    let events: [OracleEvent]
    /// Microseconds before T at which windows have edges.
    let edges: [Int64]
    /// The K of the run: no point is known later.
    let newest: Instant

    /// Points with at most six pairs of K and boundary, so that training rows are asked for in few requests.
    func points(_ count: Int, _ random: inout SplitMix64) -> [AuditPoint] {
        let known = [newest, arrival(&random, 0), arrival(&random, -1)]
        return (0..<count).map { _ in
            AuditPoint(
                asOf: asOf(&random),
                knownAt: known[random.skewed(below: known.count)],
                boundary: random.oneIn(2) ? .strict : .inclusive
            )
        }
    }

    private func arrival(_ random: inout SplitMix64, _ shift: Int64) -> Instant {
        guard let event = events.randomElement(using: &random) else { return newest }
        return min(newest, Instant(microseconds: event.arrival).advanced(by: shift))
    }

    private func asOf(_ random: inout SplitMix64) -> Instant? {
        guard let event = events.randomElement(using: &random) else { return nil }
        let time = Instant(microseconds: event.time)
        let nearby = Int64.random(in: -1...1, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return nil
        case 1, 2, 3: return held(time.advanced(by: nearby))
        case 4, 5: return held(time.advanced(by: edges.randomElement(using: &random) ?? 0).advanced(by: nearby))
        case 6:
            let other = events.randomElement(using: &random)?.time ?? event.time
            return held(
                Instant(microseconds: .random(in: min(event.time, other)...max(event.time, other), using: &random))
            )
        default: return held(time.advanced(by: Int64.random(in: -day...(400 * day), using: &random)))
        }
    }

    private let day: Int64 = 86_400_000_000

    init(events: [OracleEvent], edges: [Int64], newest: Instant) {
        (self.events, self.edges, self.newest) = (events, edges, newest)
    }

    /// Within the years 1 to 9999, which have a text.
    private func held(_ instant: Instant) -> Instant {
        min(
            max(instant, Instant(microseconds: -62_135_596_800_000_000)),
            Instant(microseconds: 253_402_300_799_999_999)
        )
    }

    /// Values for what derived features take from a request.
    static func requestRow(_ fields: [Field], _ random: inout SplitMix64) -> [FeatureValue] {
        fields.map { field in
            if random.oneIn(5) { return .null }
            let number = Int64.random(in: -1000...1000, using: &random)
            return switch field.type {
            case .int64: .int64(number)
            case .float64: .float64(Double(number) / 8)
            case .string: .string(["", "a", "b"].randomElement(using: &random) ?? "")
            case .bool: .bool(number > 0)
            case .timestamp: .timestamp(Instant(microseconds: number * 86_400_000_000))
            }
        }
    }
}
