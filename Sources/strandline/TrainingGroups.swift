// Features that are read equally early, and the training set that is put together from them:
//
//   service a, b, c;  embargo 1h, view of b 2h     labels (key, T) --+--> a, c  as of T - 1h --+
//                                                                    +--> b     as of T - 2h --+--> a, b, c
//
// Without embargoes of single views there is one group: the service itself.

import FeatureModel
import FeatureServer
import StrandlineClient
import TrainingSets
import WireProtocol

struct TrainingGroups {
    struct Group {
        /// Microseconds.
        let embargo: Int64
        let prepared: PreparedLookup
        /// Where its features stand in the service.
        let places: [Int]
    }

    let service: PreparedLookup
    let groups: [Group]
    /// Of each feature of the service, in microseconds.
    let embargoes: [Int64]

    init(
        _ service: PreparedLookup,
        _ features: [SnapshotMessage.Feature],
        _ embargo: TrainingEmbargo,
        client: StrandlineClient
    ) async throws {
        guard features.map(\.reference) == service.features.map(\.reference) else {
            throw Failure(.failed, "the definitions changed while the training set was prepared; try again")
        }
        try embargo.check(features)
        let lengths = features.map(embargo.length)
        var groups: [Group] = []
        for length in Set(lengths).sorted() {
            let places = lengths.indices.filter { lengths[$0] == length }
            let isWhole = places.count == lengths.count
            let prepared =
                isWhole ? service : try await client.prepare(references: places.map { features[$0].reference })
            groups.append(Group(embargo: length, prepared: prepared, places: places))
        }
        self.service = service
        self.groups = groups
        embargoes = lengths
    }

    /// Reads every feature for every row, at one K.
    ///
    /// - Parameters:
    ///   - keepsEventTimes: true for columns of event times.
    ///   - progress: told how many rows are done.
    func build(
        _ labels: LabelPoints,
        client: StrandlineClient,
        knownAt: TrainingKnownAt,
        boundary: Boundary,
        keepsEventTimes: Bool,
        progress: (Int) -> Void = { _ in }
    ) async throws -> TrainingColumns {
        // Of no rows, since each group brings its own.
        var result = TrainingColumns(
            features: service.features,
            count: 0,
            knownAt: knownAt.latest ?? .distantPast,
            keepsEventTimes: false
        )
        var pinned = knownAt
        for (index, group) in groups.enumerated() {
            let builder = TrainingSetBuilder(
                client: client,
                prepared: group.prepared,
                boundary: boundary,
                keepsEventTimes: keepsEventTimes
            )
            let part = try await builder.build(
                labels.earlier(by: group.embargo, as: group.prepared, of: service),
                knownAt: pinned,
                limits: EventLimits(asOf: labels.rows.asOf, embargo: group.embargo, boundary: boundary)
            ) { done in
                progress((index * labels.count + done) / groups.count)
            }
            pinned = pinned.pinned(at: part.knownAt)
            result.take(part, at: group.places)
        }
        return result
    }
}

/// What is asked of some label rows.
struct LabelPoints: Sendable {
    var rows: LabelRows
    /// As of `Labels`.
    var request: [[FeatureValue]]

    var count: Int { rows.count }
}

extension LabelPoints {
    /// The same rows as of earlier instants, with the join keys and request values that a lookup of some features takes.
    fileprivate func earlier(by embargo: Int64, as part: PreparedLookup, of service: PreparedLookup) -> LabelPoints {
        var labels = self
        let places = part.joinKeys.compactMap { service.joinKeys.firstIndex(of: $0) }
        labels.rows = LabelRows(
            keys: part.joinKeys == service.joinKeys ? rows.keys : rows.keys.components(places),
            asOf: embargo == 0 ? rows.asOf : rows.asOf.map { $0.advanced(by: -embargo) }
        )
        if part.request != service.request, !request.isEmpty {
            let places = part.request.compactMap { service.request.firstIndex(of: $0) }
            labels.request = request.map { row in places.map { row[$0] } }
        }
        return labels
    }
}

extension PackedKeys {
    /// Of each key some of its values, in the order of their places.
    fileprivate func components(_ places: [Int]) -> PackedKeys {
        var some = PackedKeys()
        withView { view in
            var key: [UInt8] = []
            for index in 0..<view.count {
                var parts: [UnsafeRawBufferPointer] = []
                var start = 0
                while let (_, count) = EntityKey.component(in: view[index], at: start) {
                    parts.append(UnsafeRawBufferPointer(rebasing: view[index][start..<(start + count)]))
                    start += count
                }
                key.removeAll(keepingCapacity: true)
                for place in places where parts.indices.contains(place) { key.append(contentsOf: parts[place]) }
                key.withUnsafeBytes { some.append($0) }
            }
        }
        return some
    }
}
