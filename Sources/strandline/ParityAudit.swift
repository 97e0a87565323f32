// The auditor: cells of a live store, each computed in three ways.
//
//   sample_entities --> entity --> entity_history --> raw events --> draw (T, K, boundary) --+
//                                                        |                                  |
//                                                        v                                  v
//                                                   naive oracle ==== LOOKUP ==== ROWS      one request at a time, a pause between
//
// Every K is at most the newest commit of the beginning, so a store that goes on taking in events changes no answer. One
// that drops history can: when an entity's differ, its history is asked for again, and if more is gone they do not count.

import FeatureModel
import FeatureServer
import FeatureTesting
import StrandlineClient
import WireProtocol

struct ParityAudit {
    struct Options {
        var cells: Int
        var seed: UInt64
        var pause: Duration
        /// Whether the naive answers are wrong on purpose: by the other boundary rule.
        var isCanary: Bool
    }

    private struct Target {
        var group: AuditedGroup
        var prepared: PreparedLookup
        var keys: [[KeyValueMessage]]
    }

    private let client: StrandlineClient
    private let options: Options
    private let reader: RawHistoryReader
    private var random: SplitMix64
    private var targets: [Target] = []
    private(set) var newest: Instant?
    private(set) var tally = ParityTally()

    /// Cells of one entity and point that are compared: the oracle takes its time.
    private static let featuresPerPoint = 40

    init(_ client: StrandlineClient, _ options: Options) {
        self.client = client
        self.options = options
        reader = RawHistoryReader(client: client, pause: options.pause)
        random = SplitMix64(seed: options.seed)
    }

    /// Prepares lookups and samples entities; fixes the newest K.
    mutating func prepare(_ groups: [AuditedGroup]) async throws {
        for group in groups {
            var keys: [[KeyValueMessage]] = []
            for source in group.sources {
                try await Task.sleep(for: options.pause)
                let request = SampleEntitiesRequest(
                    source: source,
                    entity: group.entity.name,
                    count: min(1000, max(16, options.cells)),
                    seed: random.next()
                )
                let sample = try JSONMessage.decode(
                    SampleEntitiesMessage.self,
                    from: try await client.admin("sample_entities", try JSONMessage.encode(request))
                )
                keys += sample.keys
                if newest == nil { newest = sample.newestCommit.flatMap { Instant(iso8601: $0) } }
            }
            let prepared = try await client.prepare(references: group.features.map(\.reference.description))
            guard prepared.joinKeys == group.entity.joinKeys else {
                throw Failure(.failed, "entity '\(group.entity.name)': the server names other join keys than its files")
            }
            if !keys.isEmpty { targets.append(Target(group: group, prepared: prepared, keys: keys)) }
        }
    }

    /// Compares cells until there are enough, or too many draws gave none.
    mutating func run() async throws {
        guard let newest else { return }
        var bar = ProgressBar("parity", total: options.cells)
        // Groups with more features are drawn more often.
        let tickets = targets.indices.flatMap { place in
            Array(repeating: place, count: targets[place].group.features.count)
        }
        var draws = 0
        while tally.compared < options.cells, draws < 4 * options.cells + 16 {
            guard let ticket = tickets.randomElement(using: &random),
                let key = targets[ticket].keys.randomElement(using: &random)
            else { break }
            let before = tally.compared + tally.skipped
            try await audit(targets[ticket], key, newest)
            draws += max(1, tally.compared + tally.skipped - before)
            bar.update(min(tally.compared, options.cells))
        }
    }

    private mutating func audit(_ target: Target, _ key: [KeyValueMessage], _ newest: Instant) async throws {
        let group = target.group
        var histories: [String: RawHistory] = [:]
        for source in group.sources {
            guard let history = try await reader.read(source: source, entity: group.entity, key: key) else {
                tally.passedOver += 1
                return
            }
            histories[source] = history
        }
        let events = histories.sorted { $0.key < $1.key }.flatMap(\.value.events)
        let questions = ParityQuestions(
            events: events,
            edges: Array(Set(group.features.flatMap(\.edges))).sorted(),
            newest: newest
        )
        let points = questions.points(max(2, min(16, 100_000 / max(1, events.count))), &random)
        guard let answers = try await ask(target, key, points) else {
            tally.skipped += points.count * min(Self.featuresPerPoint, group.features.count)
            return
        }
        var found: [ParityMismatch] = []
        var (compared, skipped) = (0, 0)
        for answer in answers {
            for place in group.features.indices.shuffled(using: &random).prefix(Self.featuresPerPoint)
            where tally.compared + compared < options.cells {
                let feature = group.features[place]
                var naive: OracleAnswer?
                if let source = feature.source {
                    naive = histories[source]?.answer(
                        feature,
                        asOf: answer.asOf.microseconds,
                        knownAt: answer.point.knownAt.microseconds,
                        edge: (answer.point.boundary == .strict) != options.isCanary ? .strict : .inclusive
                    )
                    guard naive != nil else {
                        skipped += 1
                        continue
                    }
                }
                compared += 1
                let mismatch = ParityMismatch(
                    entity: zip(group.entity.joinKeys, key).map { "\($0.name)=\($1.value.text)" },
                    point: answer.point,
                    asOf: answer.asOf,
                    feature: feature.reference,
                    lookup: answer.lookup[place],
                    rows: answer.rows[place],
                    naive: naive
                )
                if mismatch.differs { found.append(mismatch) }
            }
        }
        if !found.isEmpty, try await hasChanged(histories, group, key) {
            tally.skipped += compared + skipped
            return
        }
        tally.add(compared: compared, skipped: skipped, found)
    }

    /// Whether the server dropped history, or got other definitions, since the histories were read.
    private func hasChanged(
        _ histories: [String: RawHistory],
        _ group: AuditedGroup,
        _ key: [KeyValueMessage]
    ) async throws -> Bool {
        for (source, history) in histories {
            let outline = try await reader.outline(source: source, entity: group.entity, key: key)
            if outline != history.outline { return true }
        }
        return false
    }

    private struct Answer {
        var point: AuditPoint
        /// The T that the lookup used.
        var asOf: Instant
        var lookup: [OracleAnswer]
        /// Without event times, which training rows do not tell.
        var rows: [OracleAnswer]
    }

    /// Asks for every point by lookup, then for all that share K and boundary as training rows.
    ///
    /// - Returns: nil when the server dropped history between the rows of one K.
    private mutating func ask(_ target: Target, _ key: [KeyValueMessage], _ points: [AuditPoint]) async throws
        -> [Answer]?
    {
        let (prepared, values) = (target.prepared, key.map(\.value))
        let request = points.map { _ in ParityQuestions.requestRow(prepared.request, &random) }
        var answers: [Answer] = []
        for (place, point) in points.enumerated() {
            try await Task.sleep(for: options.pause)
            let result = try await client.lookup(
                prepared,
                entities: [values],
                request: prepared.request.isEmpty ? [] : [request[place]],
                asOf: point.asOf,
                knownAt: point.knownAt,
                boundary: point.boundary,
                eventTimes: true
            )
            guard result.knownAt == point.knownAt, let cells = result.rows.first else {
                throw Failure(.failed, "the server answered for another K than \(point.knownAt.iso8601)")
            }
            let lookup = cells.map {
                OracleAnswer(value: $0.value, status: $0.status, newest: $0.eventTime?.microseconds)
            }
            answers.append(Answer(point: point, asOf: result.asOf, lookup: lookup, rows: []))
        }
        let alike = Dictionary(grouping: answers.indices) { place in
            RowsPoint(knownAt: answers[place].point.knownAt, boundary: answers[place].point.boundary)
        }
        for (point, places) in alike.sorted(by: { $0.value[0] < $1.value[0] }) {
            try await Task.sleep(for: options.pause)
            let columns: ColumnsResult
            do throws(ClientError) {
                columns = try await client.rows(
                    prepared,
                    keys: places.map { _ in values },
                    asOf: places.map { answers[$0].asOf },
                    request: prepared.request.isEmpty ? [] : places.map { request[$0] },
                    knownAt: point.knownAt,
                    boundary: point.boundary
                )
            } catch {
                guard error.code == .server(.badRequest), error.message.hasPrefix("history was dropped") else {
                    throw error
                }
                return nil
            }
            for (row, place) in places.enumerated() {
                answers[place].rows = try columns.columns.map { column in
                    guard let status = column.statuses[row].status else {
                        throw Failure(.failed, "the server answered with a status that this version does not know")
                    }
                    return OracleAnswer(value: column[row], status: status, newest: nil)
                }
            }
        }
        return answers
    }

    private struct RowsPoint: Hashable {
        var knownAt: Instant
        var boundary: Boundary
    }
}
