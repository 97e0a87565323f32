// A training set, read again from the live store:
//
//   file ---> survey of all rows ---> sample of them, piece by piece ---> the same lookups as known at min(K, snapshot)
//        ---> the same bits?
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
        guard let labels = try opened(prepared), let survey = try reading({ try labels.survey() }) else {
            return report
        }
        try checkWhole(survey.count, labels, groups)
        let rows = drawn(from: survey.count)
        guard try reading({ try labels.start() }) != nil else { return report }
        var found = Array(repeating: Found(), count: manifest.columns.count)
        var (begin, before) = (rows.startIndex, 0)
        while begin < rows.endIndex {
            guard let next = try reading({ try labels.next(rowsMax: Self.pieceRows) { _, _ in false } }) else {
                return report
            }
            guard let piece = next else { break }
            let end = rows[begin...].firstIndex { $0 >= before + piece.count } ?? rows.endIndex
            let sample = try piece.chosen(rows[begin..<end].map { $0 - before })
            if end > begin {
                let result = try await groups.build(
                    sample.points,
                    client: client,
                    knownAt: try knownAt(),
                    boundary: try boundary(),
                    keepsEventTimes: true
                )
                try compare(sample, result, rows: rows[begin..<end], &found)
            }
            before += piece.count
            begin = end
        }
        // What was checked is what was read, whatever else was written into the file meanwhile.
        guard begin == rows.endIndex, !labels.isChanged else { throw labels.changed }
        report.rowsChecked = rows.count
        conclude(found, isWhole: rows.count == manifest.file.rows)
        return report
    }

    /// Rows that are read, asked for and compared at a time.
    private static let pieceRows = 65_536

    /// What the rows of a column showed so far.
    private struct Found {
        var nulls = 0
        var leaks = 0
        /// In the file.
        var firstLeak: Int?
        /// Whether what is wrong with the column itself was told.
        var isTold = false
        var isCompared = false
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

    /// What is read of the file; nil, with a finding, where it is not what the manifest says.
    private mutating func reading<Result>(_ body: () throws -> Result) throws -> Result? {
        do { return try body() } catch let error as TableError where error.code != .outOfMemory {
            report.add(.file, error.description)
        } catch let failure as Failure {
            report.add(.file, failure.message)
        }
        return nil
    }

    private mutating func opened(_ prepared: PreparedLookup) throws -> LabelFile? {
        let (path, labels) = (file.path, manifest.labels)
        return try reading {
            let reader = LabelReader(
                path: path,
                timestampColumn: labels.timestampColumn,
                skipBadRows: false,
                requestColumns: try RequestColumns(labels.requestColumns.map { "\($0.key)=\($0.value)" }),
                keepsText: try TableFormat(path: path) == .csv,
                zone: try TimestampZone(labels.timestampZone)
            )
            return try reader.open(joinKeys: prepared.joinKeys, request: prepared.request)
        }
    }

    /// What can be said without the store.
    private mutating func checkWhole(_ count: Int, _ labels: LabelFile, _ groups: TrainingGroups) throws {
        if count != manifest.file.rows {
            report.add(.manifest, "the manifest says \(manifest.file.rows) rows, the file has \(count)")
        }
        for column in manifest.columns {
            let told = column.statuses.values.reduce(0, &+)
            guard told != count else { continue }
            report.add(
                .manifest,
                "the manifest has statuses of \(told) rows in \(column.name), and the file \(count) rows"
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
            guard let said = try labels.metadata(key), said != value else { continue }
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

    /// - Parameter rows: where the labels' rows stand in the file.
    private mutating func compare(
        _ labels: Labels,
        _ result: TrainingColumns,
        rows: ArraySlice<Int>,
        _ found: inout [Found]
    ) throws {
        var again = try Table(rowCount: labels.count)
        try result.append(to: &again, statusColumns: true, eventTimeColumns: true)
        let names = TrainingColumns.names(of: result.features)
        for (place, column) in manifest.columns.enumerated() where place < result.features.count {
            let isFirst = !found[place].isTold
            found[place].isTold = true
            guard column.name == names[place] else {
                let name = names[place]
                if isFirst {
                    report.add(.manifest, "the manifest calls \(column.feature) '\(column.name)' and not '\(name)'")
                }
                continue
            }
            let cells = try ComparedColumn(column, labels.table, again)
            if isFirst { for problem in cells.problems { report.add(.file, "\(file.path): \(problem)") } }
            for row in cells.differences(result.statuses(place)) {
                switch row.outcome {
                case .differs(let text):
                    report.differing += 1
                    report.add(.cell, "row \(rows[rows.startIndex + row.row] + 1), \(text)")
                case .notVerifiable: report.notVerifiable += 1
                }
            }
            report.cells += labels.count
            found[place].isCompared = true
            found[place].nulls += cells.nulls
            let ages = result.ages(place)
            found[place].leaks += ages.leaks
            if let row = ages.firstLeak {
                found[place].firstLeak = found[place].firstLeak ?? rows[rows.startIndex + row]
            }
        }
    }

    /// What can be said after all rows.
    private mutating func conclude(_ found: [Found], isWhole: Bool) {
        for (column, found) in zip(manifest.columns, found) where found.isCompared {
            if isWhole, found.nulls != column.nulls {
                report.add(
                    .manifest,
                    "the manifest says \(column.nulls) nulls in \(column.name), there are \(found.nulls)"
                )
            }
            guard let row = found.firstLeak else { continue }
            report.leaks += found.leaks
            report.add(
                .leak,
                "\(found.leaks) cells of \(column.feature) count an event at or after their limit, the first in row "
                    + "\(row + 1)"
            )
        }
        if report.notVerifiable > 0 {
            report.add(
                .notVerifiable,
                "\(report.notVerifiable) cells need events that history has dropped (OUTSIDE_RETENTION)"
            )
        }
    }
}
