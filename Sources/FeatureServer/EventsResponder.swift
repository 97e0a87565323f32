import FeatureHistory
import FeatureModel
import Ingest
import NIOCore
import WireProtocol

/// Answers EVENTS: rows of files into the store. Blocking; runs on the pool.
struct EventsResponder {
    let store: FeatureStore
    let limits: WireLimits

    func respond(_ request: EventsRequestView, _ requestID: UInt32, into buffer: inout ByteBuffer) throws(WireError) {
        // Events come in as fast as folds can follow, from wherever.
        guard !store.isOverBudget else { throw .overloaded() }
        let result: FileIntakeResult
        do throws(FileIntakeError) {
            result = try FileIntake(store: store).take(
                request.rows,
                source: request.source,
                definitionHash: request.definitionHash,
                isDryRun: request.isDryRun
            )
        } catch {
            switch error {
            case .definitionsChanged:
                throw WireError(.definitionsChanged, "other definitions are in force by now; start again")
            case .refused(let reason): throw WireError(.badRequest, reason)
            case .store(let error): throw WireError(.storeFailed, error.description)
            }
        }
        try EventsReply(result, newest: store.newestCommit)
            .writeFrame(requestID: requestID, frameSizeMax: limits.frameSizeMax, into: &buffer)
    }
}

extension EventsReply {
    init(_ result: FileIntakeResult, newest: Instant) {
        self.init(
            knownAt: result.arrival ?? newest,
            isCommitted: result.arrival != nil,
            new: UInt32(clamping: result.new),
            present: UInt32(clamping: result.present),
            hours: result.hours.map { Hour(hour: $0.hour, accepted: $0.accepted, known: $0.known) }
        )
        for rejection in result.rejections {
            let place: Int
            if let known = reasons.firstIndex(where: { $0.reason == rejection.reason.rawValue }) {
                reasons[known].rows += 1
                place = known
            } else {
                place = reasons.count
                reasons.append(Reason(reason: rejection.reason.rawValue, rows: 1))
            }
            guard named.count < Self.namedMax else { continue }
            named.append(
                Named(
                    row: UInt32(clamping: rejection.row),
                    reason: UInt8(clamping: place),
                    message: rejection.message
                )
            )
        }
    }
}
