public import FeatureModel
import NIOCore
public import WireProtocol

extension StrandlineClient {
    /// Resolves a feature service: `name` for its newest version, or `name@2`.
    ///
    /// - Throws: `UNKNOWN_SERVICE`; see `ClientError`.
    public func prepare(service: String) async throws(ClientError) -> PreparedLookup {
        try await prepare(.service(service))
    }

    /// Resolves features by reference, `view:feature`, 1 to `limits.featuresMax`.
    ///
    /// - Throws: `UNKNOWN_FEATURE`; see `ClientError`.
    public func prepare(references: [String]) async throws(ClientError) -> PreparedLookup {
        try await prepare(.references(references))
    }

    private func prepare(_ target: PrepareRequest.Target) async throws(ClientError) -> PreparedLookup {
        let connection = try await connection(within: nil)
        let reply = try await prepare(target, on: connection, within: options.requestTimeout)
        let prepared = PreparedLookup(reply, target, owner: identity)
        connection.setLookupID(reply.lookupID, of: prepared.identity)
        return prepared
    }

    private func prepare(
        _ target: PrepareRequest.Target,
        on connection: ServerConnection,
        within time: Duration
    ) async throws(ClientError) -> PreparedReply {
        let body = try await connection.send(PrepareRequest(target), .prepared, within: time)
        return try read { () throws(WireError) in try PreparedReply(body: body) }
    }

    /// The id of a lookup on a connection; it is prepared where it was not yet.
    private func lookupID(
        _ prepared: PreparedLookup,
        on connection: ServerConnection,
        within time: Duration
    ) async throws(ClientError) -> UInt32 {
        if let id = connection.lookupID(of: prepared.identity) { return id }
        let reply = try await prepare(prepared.target, on: connection, within: time)
        guard prepared.isAnswered(by: reply) else {
            throw ClientError(
                .server(.definitionsChanged),
                "the definitions have changed: the lookup has other features now; prepare it again"
            )
        }
        connection.setLookupID(reply.lookupID, of: prepared.identity)
        return reply.lookupID
    }

    /// Sends a request for a prepared lookup. When the definitions changed under it, it is prepared again, once.
    private func send<Request: WireMessage>(
        _ prepared: PreparedLookup,
        _ reply: MessageType,
        within time: Duration?,
        _ request: (_ lookupID: UInt32) -> Request
    ) async throws(ClientError) -> ByteBuffer {
        let limit = time ?? options.requestTimeout
        let connection = try await connection(within: limit)
        let id = try await lookupID(prepared, on: connection, within: limit)
        do throws(ClientError) {
            return try await connection.send(request(id), reply, within: limit)
        } catch {
            guard error.code == .server(.definitionsChanged) else { throw error }
            connection.forgetLookup(prepared.identity, id)
        }
        let again = try await lookupID(prepared, on: connection, within: limit)
        return try await connection.send(request(again), reply, within: limit)
    }

    /// Reads every feature of `prepared` for each entity.
    ///
    /// - Parameters:
    ///   - entities: 1 to `limits.entitiesMax`; each has the join keys' values in the order of `prepared.joinKeys`.
    ///   - request: for each entity the values of `prepared.request`, null included; empty where there are none.
    ///   - asOf: T; nil for the server's now.
    ///   - knownAt: K; nil for the newest visible commit.
    ///   - eventTimes: true for the event time of the newest event that counted towards each value.
    ///   - time: how long the answer is of use; the server drops the request when it cannot begin in time. nil: as long as
    ///     `requestTimeout`, and the server is not told.
    /// - Throws: `badArgument`, `UNKNOWN_LOOKUP`, `DEFINITIONS_CHANGED`, `TOO_MANY`, `OVERLOADED`, `DEADLINE_EXCEEDED`; see
    ///   `ClientError`.
    public func lookup(
        _ prepared: PreparedLookup,
        entities: [[FeatureValue]],
        request values: [[FeatureValue]] = [],
        asOf: Instant? = nil,
        knownAt: Instant? = nil,
        boundary: Boundary = .strict,
        eventTimes: Bool = false,
        within time: Duration? = nil
    ) async throws(ClientError) -> LookupResult {
        try check(prepared)
        var request = LookupRequest(
            lookupID: 0,
            asOf: asOf,
            knownAt: knownAt,
            boundary: boundary,
            wantsEventTimes: eventTimes,
            requestValues: try prepared.check(values, count: entities.count),
            deadline: time?.deadline,
            keys: try prepared.encode(entities)
        )
        let body = try await send(prepared, .values, within: time) { id in
            request.lookupID = id
            return request
        }
        let reply = try read { () throws(WireError) in
            let reply = try ValuesReply(body: body, types: prepared.types)
            guard reply.rows.count == entities.count, reply.hasEventTimes == eventTimes else {
                throw WireError(.malformedFrame, "VALUES does not answer the LOOKUP")
            }
            return reply
        }
        return LookupResult(asOf: reply.asOf, knownAt: reply.knownAt, features: prepared.features, rows: reply.rows)
    }

    /// Reads every feature of `prepared` for rows that each have their own T. All rows see one commit.
    ///
    /// - Parameters:
    ///   - keys: 1 to `limits.rowsMax`; each has the join keys' values in the order of `prepared.joinKeys`.
    ///   - asOf: one T a row.
    ///   - request: for each row the values of `prepared.request`, null included; empty where there are none.
    ///   - knownAt: K; nil for the newest visible commit.
    ///   - rowTime: true: each row is known at its own T, or at K where that is earlier: what a lookup at that instant
    ///     could have answered. The result's K is the latest that any row may have.
    ///   - eventTimes: true for the event time of the newest event that counted towards each value.
    /// - Throws: as `lookup`.
    public func rows(
        _ prepared: PreparedLookup,
        keys: [[FeatureValue]],
        asOf: [Instant],
        request values: [[FeatureValue]] = [],
        knownAt: Instant? = nil,
        rowTime: Bool = false,
        boundary: Boundary = .strict,
        eventTimes: Bool = false,
        within time: Duration? = nil
    ) async throws(ClientError) -> ColumnsResult {
        try check(prepared)
        return try await rows(
            prepared,
            packed: PackedKeys(try prepared.encode(keys)),
            asOf: asOf,
            request: values,
            knownAt: knownAt,
            rowTime: rowTime,
            boundary: boundary,
            eventTimes: eventTimes,
            within: time
        )
    }

    /// The same for keys that are encoded already, as `EntityKey` does it: of rows by the hundred thousand.
    public func rows(
        _ prepared: PreparedLookup,
        packed keys: PackedKeys,
        asOf: [Instant],
        request values: [[FeatureValue]] = [],
        knownAt: Instant? = nil,
        rowTime: Bool = false,
        boundary: Boundary = .strict,
        eventTimes: Bool = false,
        within time: Duration? = nil
    ) async throws(ClientError) -> ColumnsResult {
        try check(prepared)
        guard keys.count == asOf.count else {
            throw ClientError(.badArgument, "\(asOf.count) times for \(keys.count) keys")
        }
        var request = RowsRequest(
            lookupID: 0,
            knownAt: knownAt,
            rowTime: rowTime,
            boundary: boundary,
            wantsEventTimes: eventTimes,
            asOf: asOf,
            requestValues: try prepared.check(values, count: keys.count),
            deadline: time?.deadline,
            keys: keys
        )
        let body = try await send(prepared, .columns, within: time) { id in
            request.lookupID = id
            return request
        }
        let reply = try read { () throws(WireError) in
            let reply = try ColumnsReply(body: body, types: prepared.types, eventTimes: eventTimes)
            guard reply.count == keys.count else {
                throw WireError(.malformedFrame, "COLUMNS does not answer the ROWS")
            }
            return reply
        }
        return ColumnsResult(
            knownAt: reply.knownAt,
            features: prepared.features,
            count: reply.count,
            columns: reply.columns
        )
    }

    /// Sends a control verb with a JSON body, and gives the JSON of the reply.
    public func admin(_ verb: String, _ json: String = "{}") async throws(ClientError) -> String {
        let body = try await send(AdminRequest(verb: verb, body: json), .adminReply)
        return try read { () throws(WireError) in try AdminReply(body: body).body }
    }

    /// Returns when the server has answered.
    public func ping() async throws(ClientError) {
        let body = try await send(Ping(), .pong)
        _ = try read { () throws(WireError) in try Pong(body: body) }
    }

    /// Reads a piece of the events that a view counts, of all entities; `place` of the reply leads to the next one.
    ///
    /// - Throws: `UNKNOWN_FEATURE` for a view that there is not; see `ClientError`.
    public func historyPage(_ request: HistoryPageRequest, within time: Duration? = nil) async throws(ClientError)
        -> HistoryPageReply
    {
        let body = try await send(request, .historyPageReply, within: time)
        let limits = limits
        return try read { () throws(WireError) in
            let reply = try HistoryPageReply(body: body, limits: limits)
            guard reply.count <= request.rows, request.knownAt.map({ reply.knownAt <= $0 }) ?? true else {
                throw WireError(.malformedFrame, "HISTORY_PAGE_REPLY does not answer the HISTORY_PAGE")
            }
            return reply
        }
    }

    private func check(_ prepared: PreparedLookup) throws(ClientError) {
        guard prepared.owner == identity else {
            throw ClientError(.badArgument, "the lookup was prepared by another client")
        }
    }

    private func read<Reply>(_ body: () throws(WireError) -> Reply) throws(ClientError) -> Reply {
        do throws(WireError) {
            return try body()
        } catch {
            throw .violation(error)
        }
    }
}

extension Duration {
    /// In microseconds, as a request carries it: at least 1, at most what its field holds, which is more than an hour.
    fileprivate var deadline: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 1 }
        guard seconds < 4294 else { return .max }
        return UInt32(clamping: max(1, seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}
