import FeatureModel
import WireProtocol

public import FeatureHistory
import FeatureRepository

extension AdminRouter {
    /// The verbs that need a store only: plan, apply, describe, dead_letters, status, those of `onHistories`
    /// and `onSnapshot`.
    ///
    /// - Parameter ingest: what ingest is doing, for `status`; nil where nothing is consumed.
    public static func standard(
        store: FeatureStore,
        version: String,
        ingest: @escaping @Sendable () -> StatusMessage.Ingest?
    ) -> AdminRouter {
        let definitions = DefinitionsService(store: store)
        var router = AdminRouter()
        router.on("plan") { body throws(WireError) in
            let files = try request(DefinitionFilesMessage.self, body).repositoryFiles
            let plan: PlanMessage
            do throws(RepositoryError) { plan = PlanMessage(try definitions.plan(files)) } catch {
                plan = PlanMessage(error)
            }
            return try reply(plan)
        }
        router.on("apply") { body throws(WireError) in
            let files = try request(DefinitionFilesMessage.self, body).repositoryFiles
            let plan: PlanMessage
            do { plan = PlanMessage(try definitions.apply(files)) } catch let error as RepositoryError {
                plan = PlanMessage(error)
            } catch { throw WireError(.storeFailed, "\(error)") }
            return try reply(plan)
        }
        router.on("describe") { _ throws(WireError) in try reply(DescribeMessage(store.catalog)) }
        router.on("dead_letters") { body throws(WireError) in
            let wanted = try request(DeadLettersRequest.self, body)
            guard (1...10_000).contains(wanted.limit) else { throw WireError(.badRequest, "limit must be 1 to 10000") }
            do throws(StoreError) {
                let letters = try store.deadLetters(after: wanted.after, limit: wanted.limit)
                return try wired { try JSONMessage.encode(DeadLettersMessage(letters, store.deadLetterSummary)) }
            } catch { throw WireError(.storeFailed, "\(error)") }
        }
        router.on("status") { _ throws(WireError) in try reply(StatusMessage(store, version: version, ingest: ingest()))
        }
        router.onHistories(of: store)
        router.onSnapshot(of: store, version: version)
        router.onFileRows(of: store)
        return router
    }

    static func request<M: Decodable>(_ type: M.Type, _ body: String) throws(WireError) -> M {
        do { return try JSONMessage.decode(type, from: body) } catch {
            throw WireError(.badRequest, "the body is not the JSON that this verb takes: \(error)")
        }
    }

    static func reply(_ message: some Encodable) throws(WireError) -> String {
        do { return try JSONMessage.encode(message) } catch { throw WireError(.internalError, "\(error)") }
    }

    /// JSON encoding of our own messages does not fail; should it, the store's error type carries it.
    private static func wired(_ body: () throws -> String) throws(StoreError) -> String {
        do { return try body() } catch { throw StoreError(.corruption, "\(error)") }
    }
}

extension DeadLettersMessage {
    fileprivate init(_ letters: [FeatureStore.NumberedDeadLetter], _ summary: FeatureStore.DeadLetterSummary) {
        self.letters = letters.map { numbered in
            let letter = numbered.letter
            return Letter(
                sequence: numbered.sequence,
                source: letter.source,
                topic: letter.topic,
                partition: letter.partition,
                offset: letter.offset,
                reason: letter.reason,
                message: letter.message,
                sample: String(decoding: (letter.value ?? []).prefix(256), as: UTF8.self)
            )
        }
        kept = summary.kept
        waiting = summary.waiting
        dropped = summary.dropped
    }
}

extension StatusMessage {
    /// - Parameter ingest: without the totals, which are the store's.
    package init(_ store: FeatureStore, version: String, ingest: Ingest?) {
        let counters = store.counterValues
        func total(_ prefix: String) -> UInt64 {
            counters.filter { $0.key.hasPrefix(prefix) }.reduce(0) { $0 &+ $1.value }
        }
        self.version = version
        project = store.catalog.definition.project
        definitionHash = store.catalog.definitionHash
        self.ingest = ingest
        self.ingest?.events = total("events/")
        self.ingest?.deadLetters = total("dead_letters/")
        let figures = store.figures
        self.store = Store(
            newestCommit: figures.commits == 0 ? nil : store.newestCommit.iso8601,
            commits: figures.commits,
            residentEntities: figures.residentEntities,
            residentBytes: figures.residentBytes,
            vectorHits: figures.vectorHits,
            vectorMisses: figures.vectorMisses,
            unfoldedEvents: figures.unfoldedEvents,
            horizons: store.catalog.sources.mapValues(\.horizon).filter { $0.value > .distantPast }.mapValues(
                \.iso8601
            ),
            failure: store.failureReason?.description
        )
        self.counters = counters
    }
}
