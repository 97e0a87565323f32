import FeatureHistory
import FeatureServer
import NIOCore
import WireProtocol

/// Answers the body of one POST /get-online-features.
struct OnlineFeaturesResponder {
    let shared: ServerContext
    let state: HTTPState

    /// - Returns: the JSON of the answer, what was looked up, and for how many rows.
    func answer(_ body: ByteBuffer) async throws -> (bytes: [UInt8], lookup: ResolvedLookup, rows: Int) {
        let document = try document(body)
        let request = try OnlineFeaturesRequest(document, limits: shared.limits)
        let lookup = try state.lookups.lookup(request.target, shared.store, shared.latency)
        let names = try lookup.names(full: request.usesFullNames)
        let columns = try EntityColumns(document, request, lookup)
        let limit = shared.limits.frameSizeMax
        let read = try OnlineRead(lookup, try columns.rows(), shared.store, byteCountMax: limit)
        let table = try await read.run(shared, state.scratches)
        var reply = OnlineFeaturesReply(columns, table, names: names, byteCountMax: limit)
        return (try reply.bytes(), lookup, request.rowCount)
    }

    private func document(_ body: ByteBuffer) throws(FeastFailure) -> JSONDocument {
        let document: Result<JSONDocument, JSONProblem> = body.withUnsafeReadableBytes { bytes in
            do throws(JSONProblem) { return .success(try JSONDocument(bytes)) } catch { return .failure(error) }
        }
        switch document {
        case .success(let document): return document
        case .failure(let problem):
            throw .invalid("json_invalid", [], "JSON decode error: \(problem.detail)")
        }
    }
}
