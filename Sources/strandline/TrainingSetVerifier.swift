// A training set, read again from the live store:
//
//   file ---> keys and times ---> sample of rows ---> the same lookups as known at min(K, snapshot) ---> the same bits?
//   manifest ---> the file's metadata, the snapshot, the definitions, row and null counts: do they say the same?

import ArrowTables
import FeatureModel
import FeatureServer
import FeatureTesting
import StrandlineClient
import TrainingSets
import WireProtocol

struct TrainingSetVerifier {
    let file: ManifestFile
    let client: StrandlineClient
    let rowCountMax: Int
    var report: VerifyReport

    private var manifest: TrainingSetManifest { file.manifest }

    init(file: ManifestFile, client: StrandlineClient, rowCountMax: Int, report: VerifyReport) {
        self.file = file
        self.client = client
        self.rowCountMax = rowCountMax
        self.report = report
    }

    consuming func run() async throws -> VerifyReport {
        report.rows = manifest.file.rows
        guard let snapshot = try await currentSnapshot(), isReachable(snapshot) else { return report }
        let prepared = try await client.prepare(service: manifest.service)
        let embargo = try TrainingEmbargo(manifest.timeRules)
        let groups = try await TrainingGroups(prepared, snapshot.features, embargo, client: client)
        guard let labels = try labels(prepared) else { return report }
        checkWhole(labels, groups)
        let rows = drawn(from: labels.count)
        let sample = try labels.chosen(rows)
        let result = try await groups.build(
            sample,
            client: client,
            knownAt: try knownAt(),
            boundary: try boundary()
        )
        report.rowsChecked = rows.count
        try compare(sample, result, groups, rows: rows)
        return report
    }

    // MARK: What the manifest says

    private func boundary() throws -> Boundary {
        switch manifest.timeRules.boundary {
        case Boundary.strict.name: return .strict
        case Boundary.inclusive.name: return .inclusive
        default: throw Failure(.usage, "the manifest's boundary is '\(manifest.timeRules.boundary)'")
        }
    }

    /// K of the manifest, and not beyond its snapshot: what arrived later does not matter.
    private func knownAt() throws -> TrainingKnownAt {
        try TrainingKnownAt(manifest.timeRules).pinned(at: snapshotCommit)
    }

    private var snapshotCommit: Instant {
        manifest.snapshot.commit.flatMap { Instant(iso8601: $0) } ?? Instant(microseconds: 0)
    }

    /// The store's snapshot; nil, with a finding, where the definitions are not the manifest's.
    private mutating func currentSnapshot() async throws -> SnapshotMessage? {
        do {
            let snapshot = try await client.snapshot(of: manifest.service)
            guard snapshot.serviceHash == manifest.serviceHash else {
                report.add(
                    .definition,
                    "the definitions of \(manifest.service) are not those of the training set: hash "
                        + "\(snapshot.serviceHash.prefix(16))..., not \(manifest.serviceHash.prefix(16))..."
                )
                return nil
            }
            return snapshot
        } catch let error as ClientError where error.code == .server(.unknownService) {
            report.add(.definition, "the definitions have no \(manifest.service): \(error.message)")
            return nil
        }
    }

    /// Whether the store has come as far as the training set's. One that has not is another one, or has lost its end.
    private mutating func isReachable(_ snapshot: SnapshotMessage) -> Bool {
        let last = [manifest.timeRules.knownAt, manifest.timeRules.knownAtMost].compactMap { $0 }
            .compactMap { Instant(iso8601: $0) }.max()
        if let last, last > snapshotCommit {
            report.add(.manifest, "the manifest's K lies after the commit of its snapshot")
        }
        if snapshotCommit > snapshot.instant {
            report.add(
                .notVerifiable,
                "the training set saw the commit \(snapshotCommit.iso8601), and this store's newest is "
                    + "\(snapshot.commit ?? "none"): another store?"
            )
            return false
        }
        for partition in manifest.snapshot.partitions {
            let now = snapshot.partitions.first {
                $0.source == partition.source && $0.partition == partition.partition
                    && $0.incarnation == partition.incarnation
            }
            guard now?.next ?? -1 >= partition.next else {
                report.add(
                    .notVerifiable,
                    "the training set saw \(partition.source)/\(partition.partition) up to offset \(partition.next), and "
                        + "this store has come to \(now.map { "\($0.next)" } ?? "none"): another store?"
                )
                return false
            }
        }
        return true
    }

    // MARK: The file

    /// The rows of the file; nil, with a finding, where it has not what the manifest says.
    private mutating func labels(_ prepared: PreparedLookup) throws -> Labels? {
        do {
            let format = try TableFormat(path: file.path)
            let reader = LabelReader(
                path: file.path,
                timestampColumn: manifest.labels.timestampColumn,
                skipBadRows: false,
                requestColumns: try RequestColumns(manifest.labels.requestColumns.map { "\($0.key)=\($0.value)" }),
                keepsText: format == .csv,
                zone: try TimestampZone(manifest.labels.timestampZone)
            )
            return try reader.read(joinKeys: prepared.joinKeys, request: prepared.request)
        } catch let error as TableError where error.code != .outOfMemory {
            report.add(.file, error.description)
        } catch let failure as Failure {
            report.add(.file, failure.message)
        }
        return nil
    }

    /// What can be said without the store.
    private mutating func checkWhole(_ labels: Labels, _ groups: TrainingGroups) {
        if labels.count != manifest.file.rows {
            report.add(.manifest, "the manifest says \(manifest.file.rows) rows, the file has \(labels.count)")
        }
        for column in manifest.columns {
            let told = column.statuses.values.reduce(0, &+)
            guard told != labels.count else { continue }
            report.add(
                .manifest,
                "the manifest has statuses of \(told) rows in \(column.name), and the file \(labels.count) rows"
            )
        }
        let references = groups.service.features.map(\.reference)
        if manifest.columns.map(\.feature) != references {
            report.add(.manifest, "the manifest's columns are not the features of \(manifest.service)")
        }
        for (column, embargo) in zip(manifest.columns, groups.embargoes)
        where column.embargo != TrainingEmbargo.text(embargo) {
            report.add(
                .manifest,
                "the manifest's embargo of \(column.feature), \(column.embargo), is not that of its rules"
            )
        }
        // CSV has no place for it.
        for (key, value) in manifest.metadata.sorted(by: { $0.key < $1.key }) {
            guard let said = labels.table.metadata(key), said != value else { continue }
            report.add(.manifest, "the manifest says \(key) = \(value), the file says \(said)")
        }
    }

    private func drawn(from count: Int) -> [Int] {
        guard rowCountMax < count else { return Array(0..<count) }
        var source = SplitMix64(seed: report.seed)
        // Floyd's choice of a set of rows.
        var chosen: Set<Int> = []
        for last in (count - rowCountMax)..<count {
            let row = Int.random(in: 0...last, using: &source)
            if !chosen.insert(row).inserted { chosen.insert(last) }
        }
        return chosen.sorted()
    }

    // MARK: The cells

    private mutating func compare(
        _ labels: Labels,
        _ result: TrainingColumns,
        _ groups: TrainingGroups,
        rows: [Int]
    ) throws {
        var again = try Table(rowCount: labels.count)
        try result.append(to: &again, statusColumns: true, eventTimeColumns: true)
        let whole = rows.count == manifest.file.rows
        for (place, column) in manifest.columns.enumerated() where place < result.features.count {
            let name = TrainingColumns.names(of: result.features)[place]
            guard column.name == name else {
                report.add(.manifest, "the manifest calls \(column.feature) '\(column.name)' and not '\(name)'")
                continue
            }
            let cells = try ComparedColumn(column, labels.table, again)
            for problem in cells.problems { report.add(.file, "\(file.path): \(problem)") }
            for row in cells.differences(result.statuses(place)) {
                switch row.outcome {
                case .differs(let text):
                    report.differing += 1
                    report.add(.cell, "row \(rows[row.row] + 1), \(text)")
                case .notVerifiable: report.notVerifiable += 1
                }
            }
            report.cells += labels.count
            if whole, cells.nulls != column.nulls {
                report.add(.manifest, "the manifest says \(column.nulls) nulls in \(name), there are \(cells.nulls)")
            }
            let ages = EventAges(
                result.eventTimes(place),
                asOf: labels.rows.asOf,
                embargo: groups.embargoes[place],
                boundary: try boundary()
            )
            if let row = ages.firstLeak {
                report.leaks += ages.leaks
                report.add(
                    .leak,
                    "\(ages.leaks) cells of \(column.feature) count an event at or after their limit, the first in row "
                        + "\(rows[row] + 1)"
                )
            }
        }
        if report.notVerifiable > 0 {
            report.add(
                .notVerifiable,
                "\(report.notVerifiable) cells need events that history has dropped (OUTSIDE_RETENTION)"
            )
        }
    }
}

extension Labels {
    /// Some of the rows, in order.
    fileprivate func chosen(_ rows: [Int]) throws -> Labels {
        guard rows.count < count else { return self }
        var keep = [Bool](repeating: false, count: count)
        for row in rows { keep[row] = true }
        var labels = self
        labels.table = try table.filter(keeping: keep)
        let places = rows.map { UInt32(truncatingIfNeeded: $0) }
        labels.rows = LabelRows(
            keys: self.rows.keys.selecting(places[...]),
            asOf: rows.map { self.rows.asOf[$0] }
        )
        if !request.isEmpty { labels.request = rows.map { request[$0] } }
        return labels
    }
}
