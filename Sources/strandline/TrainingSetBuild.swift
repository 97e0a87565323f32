// A training set, piece by piece. How many rows a piece has is for the budget to say, and does not show in the file.
//
//   label file --survey: every row is checked--> rows, times
//              --piece 3 is read -----+
//   server     --piece 2 is asked for-+  at the same time
//   output     <-piece 1 is written --+
//
// All pieces are read at one K, so a cell does not depend on the piece that its row is in.

import ArrowTables
import FeatureModel
import FeatureServer
import StrandlineClient
import WireProtocol

/// What the command line says, as it is used.
struct TrainingSetOptions {
    var out: String
    var labels: String
    var zone: TimestampZone
    var embargo: TrainingEmbargo
    var knownAt: TrainingKnownAt
    var boundary: Boundary
    var statusColumns: Bool
    var eventTimeColumns: Bool
    /// Bytes.
    var memory: Int
    var isJSON: Bool
}

struct TrainingSetBuild {
    let client: StrandlineClient
    let options: TrainingSetOptions
    let groups: TrainingGroups
    let snapshot: SnapshotMessage
    let files: TrainingFiles
    let survey: LabelSurvey

    /// - Returns: the manifest that was written.
    func run() async throws -> TrainingSetManifest {
        let service = groups.service
        var budget = TrainingBudget(
            options.memory,
            features: service.features,
            requestCount: service.request.count,
            keepsEventTimes: options.eventTimeColumns
        )
        var tally = TrainingSetTally(featureCount: service.features.count)
        var bar = ProgressBar("training set", total: survey.count, isJSON: options.isJSON)
        var pinned = options.knownAt.pinned(at: snapshot.instant)
        var used: Instant?
        var done = 0
        var fetched: TrainingFiles.Piece?
        Allocator.giveBack()
        var next = try await files.first(budget)
        while let labels = next {
            let (piece, room) = (fetched, budget)
            fetched = nil
            async let ahead = files.write(piece, thenRead: room)
            let columns = try await groups.build(
                labels.points,
                client: client,
                knownAt: pinned,
                boundary: options.boundary,
                keepsEventTimes: options.eventTimeColumns
            ) {
                bar.update(done + $0)
            }
            done += labels.count
            guard used == nil || used == columns.knownAt else {
                throw Failure(
                    .failed,
                    "the server answered for another K on the way: a defect in it; nothing was written"
                )
            }
            used = columns.knownAt
            pinned = pinned.pinned(at: columns.knownAt)
            tally.add(columns)
            try checkLeaks(tally)
            budget.learn(columns, rows: labels.count)
            next = try await ahead
            // What a piece freed would linger beside what the next one takes.
            Allocator.giveBack()
            let metadata = manifest(tally, knownAt: columns.knownAt).metadata
            fetched = TrainingFiles.Piece(labels: labels.table, columns: columns, metadata: metadata)
        }
        guard try await client.snapshot(of: snapshot.service).serviceHash == snapshot.serviceHash else {
            throw Failure(.failed, "the definitions changed while the training set was read; start it again")
        }
        return try await files.finish(fetched, survey, manifest(tally, knownAt: used ?? snapshot.instant))
    }

    private func checkLeaks(_ tally: TrainingSetTally) throws {
        for (feature, found) in zip(groups.service.features, tally.features) where found.ages.leaks > 0 {
            throw Failure(
                .failed,
                "\(found.ages.leaks) cells of \(feature.reference) count an event at or after their row's time: a defect in "
                    + "the server; nothing was written"
            )
        }
    }

    /// All but the checksums and the file's length, of the rows so far.
    private func manifest(_ tally: TrainingSetTally, knownAt: Instant) -> TrainingSetManifest {
        let service = groups.service
        let names = TrainingColumns.names(of: service.features)
        let record = Dictionary(uniqueKeysWithValues: options.knownAt.record(used: knownAt).map { ($0.key, $0.value) })
        return TrainingSetManifest(
            productVersion: Strandline.version,
            project: snapshot.project,
            service: snapshot.service,
            serviceHash: snapshot.serviceHash,
            definitionHash: snapshot.definitionHash,
            file: .init(name: Self.name(of: options.out), bytes: 0, sha256: "", rows: survey.count),
            labels: .init(
                name: Self.name(of: options.labels),
                sha256: nil,
                skippedRows: survey.skippedCount,
                joinKeys: service.joinKeys.map(\.name),
                timestampColumn: files.timestampColumn,
                timestampZone: options.zone.name,
                timesWithoutZone: survey.timesWithoutZone,
                requestColumns: files.requestColumns
            ),
            timeRules: .init(
                boundary: options.boundary.name,
                knownAt: record["known_at"] ?? "",
                knownAtMost: record["known_at_most"],
                embargo: TrainingEmbargo.text(options.embargo.all),
                viewEmbargo: options.embargo.views.mapValues(TrainingEmbargo.text)
            ),
            snapshot: .init(commit: snapshot.commit, partitions: snapshot.partitions),
            columns: names.indices.map { place in
                TrainingSetManifest.Column(
                    name: names[place],
                    feature: service.features[place].reference,
                    type: service.features[place].type,
                    tally: tally.features[place],
                    embargo: groups.embargoes[place],
                    statusColumn: options.statusColumns,
                    eventTimeColumn: options.eventTimeColumns
                )
            }
        )
    }

    private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }
}
