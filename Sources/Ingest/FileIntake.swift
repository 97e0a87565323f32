// Rows of files into the store: the same way as records from their decoded rows on.
//
//   columns --> DecodedRow --> RowIntake --> which rows are there? --> one commit of those that are not
//                                            '------- FeatureStore.withFileRows -------'
//
// Between the question and the commit no other rows from files come in, and streams go on: their positions are others.

public import FeatureHistory
public import FeatureModel
import Windowing

/// Why rows were not taken in at all.
public enum FileIntakeError: Error {
    /// Other definitions are in force than those that the rows were made for.
    case definitionsChanged
    /// The source, or what it is asked for, does not fit; what, and what to do.
    case refused(String)
    case store(StoreError)
}

/// What became of the rows of a request.
public struct FileIntakeResult {
    public struct Rejection {
        public var row: Int
        public var reason: RejectionReason
        public var message: String
    }

    /// Accepted rows within an hour of event time.
    public struct Hour {
        /// Hours since the epoch, rounded down.
        public var hour: Int64
        public var accepted: UInt32
        /// Of those the ones that some history of the source held already.
        public var known: UInt32
    }

    /// The arrival of the commit; nil where there was nothing to write, or nothing was to be.
    public var arrival: Instant?
    /// Rows that some history did not hold, and rows that all did.
    public var new = 0
    public var present = 0
    public var rejections: [Rejection] = []
    /// In order.
    public var hours: [Hour] = []
}

/// Takes rows of files into a store. Safe to use from any thread; blocking.
public struct FileIntake: Sendable {
    private let store: FeatureStore

    public init(store: FeatureStore) { self.store = store }

    /// Takes in the rows of one request: one commit, all of them or none.
    ///
    /// - Parameters:
    ///   - rows: checked by who decoded them, as `ColumnRows` says.
    ///   - definitionHash: of the definitions that the rows were made for.
    ///   - isDryRun: says what would become of them, and writes nothing.
    public func take(
        _ rows: ColumnRows,
        source name: String,
        definitionHash: String,
        isDryRun: Bool
    ) throws(FileIntakeError) -> FileIntakeResult {
        let catalog = store.catalog
        guard catalog.definitionHash == definitionHash else { throw .definitionsChanged }
        let intake = RowIntake(try plan(name, in: catalog), capacity: rows.count)
        Self.fill(intake, with: rows)
        intake.computeExpressions()
        var result = FileIntakeResult()
        var isStale = false
        do throws(StoreError) {
            try store.withFileRows { () throws(StoreError) in
                let present = try intake.present(in: store, rowCount: rows.count)
                if isDryRun {
                    intake.decide(arrival: max(store.now, store.newestCommit), horizon: horizon(name))
                    return result.take(intake, present)
                }
                result.arrival = try store.commit { arrival throws(StoreError) in
                    isStale = store.catalog.definitionHash != definitionHash
                    guard !isStale else { return Commit() }
                    intake.decide(arrival: arrival, horizon: horizon(name))
                    result.take(intake, present)
                    return intake.commit(without: present, new: result.new)
                }
            }
        } catch { throw .store(error) }
        if isStale { throw .definitionsChanged }
        return result
    }

    private func horizon(_ source: String) -> Instant { store.catalog.sources[source]?.horizon ?? .distantPast }

    /// The source's plan for times that are numbers already.
    private func plan(_ name: String, in catalog: Catalog) throws(FileIntakeError) -> SourcePlan {
        guard var source = catalog.definition.sources.first(where: { $0.name == name }) else {
            let near = nearestWord(to: name, among: catalog.definition.sources.map(\.name))
            throw .refused("no source '\(name)'\(near.map { "; did you mean '\($0)'?" } ?? "")")
        }
        guard source.envelope == nil else {
            throw .refused(
                "source '\(name)' takes change events (envelope: \(source.envelope?.rawValue ?? "")), and rows of files are none: read the table into a source without envelope"
            )
        }
        source.timestampFormat = .epochMicroseconds
        let plan: SourcePlan?
        do throws(IngestError) { plan = try SourcePlan(source, in: catalog) } catch { throw .refused(error.message) }
        guard let plan else { throw .refused("no view uses source '\(name)', so nothing of it is kept") }
        guard plan.fields.count <= SourcePlan.fieldsMax else {
            throw .refused("source '\(name)' has more than \(SourcePlan.fieldsMax) fields")
        }
        return plan
    }

    private static func fill(_ intake: RowIntake, with rows: ColumnRows) {
        let plan = intake.plan
        let decoder = ColumnRowDecoder(plan, rows)
        let stream = StreamID(filesOf: plan.record.ordinal)
        let most = plan.source.recordBytesMax
        for row in 0..<rows.count {
            let (stringBytes, failure) = decoder.decode(row)
            if let failure {
                intake.reject(row, .nonFinite, "field '\(plan.path(failure.field))' is not a finite number")
            } else if stringBytes > most {
                intake.reject(row, .oversized, "its strings have \(stringBytes) bytes; record_bytes_max is \(most)")
            } else {
                intake.append(decoder.row, stream: stream, offset: rows.offset(row), number: row)
            }
        }
    }
}

extension SourcePlan {
    /// The most fields that a decoded row may have: their nulls share two words.
    static let fieldsMax = 128
}

/// Of each history of a source, which rows of a request it holds, by their numbers; nil where it holds none.
private typealias Presence = [[Bool]?]

extension RowIntake {
    fileprivate func present(in store: FeatureStore, rowCount: Int) throws(StoreError) -> Presence {
        var all: Presence = []
        for (target, batch) in zip(plan.targets, batches) {
            guard let found = try store.present(batch, of: target.history) else {
                all.append(nil)
                continue
            }
            // Rows may be taken out before the commit; their numbers stay.
            var flags = Array(repeating: false, count: rowCount)
            for row in 0..<acceptedCount where found[row] { flags[records[row]] = true }
            all.append(flags)
        }
        return all
    }

    /// Makes the commit of what the histories do not hold. Called inside the commit, after `decide`.
    fileprivate func commit(without present: Presence, new: Int) -> Commit {
        var commit = Commit()
        guard new > 0 else { return commit }
        for (place, (target, batch)) in zip(plan.targets, batches).enumerated() {
            if let flags = present[place] {
                var kept = 0
                for row in 0..<batch.count where !flags[records[row]] {
                    if kept != row { batch.move(row, to: kept) }
                    kept += 1
                }
                batch.truncate(to: kept)
            }
            guard batch.count > 0 else { continue }
            commit.batches.append((target.history.id, batch))
            commit.fileRows += Self.hours(of: batch, target.history.id)
        }
        let name = plan.source.name
        commit.counters["events/\(name)"] = UInt64(new)
        commit.counters["file_rows/\(name)"] = UInt64(new)
        return commit
    }

    /// - Parameter batch: in the order of time.
    private static func hours(of batch: EventBatch, _ history: UInt32) -> [FileRowHour] {
        var hours: [FileRowHour] = []
        for row in 0..<batch.count {
            let time = batch.times[row]
            let hour = FileRowHour.hour(of: time)
            if let last = hours.last, last.hour == hour {
                hours[hours.count - 1].rows += 1
                hours[hours.count - 1].newest = time
            } else {
                hours.append(FileRowHour(history: history, hour: hour, rows: 1, newest: time))
            }
        }
        return hours
    }
}

extension FileIntakeResult {
    /// Counts what is accepted and what is not. Called after `decide`, before rows are left out that are there.
    fileprivate mutating func take(_ intake: RowIntake, _ present: Presence) {
        rejections = intake.rejections.map { Rejection(row: $0.record, reason: $0.reason, message: $0.message) }
        guard let times = intake.batches.first?.times else { return }
        // Of a first load no row is there.
        let isAnyThere = present.contains { $0 != nil }
        for row in 0..<intake.acceptedCount {
            var holding = 0
            if isAnyThere {
                let number = intake.records[row]
                holding = present.count { $0?[number] ?? false }
            }
            if holding == present.count { self.present += 1 } else { new += 1 }
            let hour = FileRowHour.hour(of: times[row])
            if hours.last?.hour != hour { hours.append(Hour(hour: hour, accepted: 0, known: 0)) }
            hours[hours.count - 1].accepted += 1
            if holding > 0 { hours[hours.count - 1].known += 1 }
        }
    }
}
