import FeatureModel
import FeatureRepository
import FeatureTesting
import Logging
import NIOCore
import NIOPosix
import Scheduling
import Windowing
import WireProtocol

@testable import FeatureHTTP
@testable import FeatureHistory
@testable import FeatureServer

/// An HTTP server on loopback over a store in a temporary folder, with a clock that stands still.
final class HTTPUnderTest: Sendable {
    let folder = TemporaryFolder()
    let store: FeatureStore
    let latency = LatencyRegistry()
    let server: HTTPServer
    private let pool: ReaderPool

    /// 2023-11-14T22:13:20Z
    static let now = Instant(microseconds: 1_700_000_000_000_000)
    static let day: Int64 = 86_400_000_000

    static let definitions = RepositoryFiles([
        "feature_store.yaml": """
        project: test
        entities:
          - {name: customer, join_keys: {customer_id: int64}}
          - {name: card, join_keys: {customer_id: int64, card_no: string}}
        sources:
          - name: orders
            timestamp_field: at
            timestamp_format: epoch_us
            schema: {customer_id: int64, card_no: string, amount: float64, n: int64, shop: string, gift: bool, due: timestamp}
        feature_views:
          - name: spending
            entity: customer
            source: orders
            aggregations:
              - {function: count, time_window: [1d, lifetime]}
              - {column: amount, function: sum, time_window: 1d}
              - {column: amount, function: mean, time_window: lifetime}
              - {column: n, function: sum, time_window: 1d, name: items}
              - {column: shop, function: last_n, n: 2, time_window: 1d, name: shops}
              - {column: n, function: histogram, time_window: 1d, name: sizes}
              - {column: amount, function: sum, group_by: shop, time_window: 1d, name: by_shop}
              - {column: due, function: last, time_window: 1d, name: due}
          - name: cards
            entity: card
            source: orders
            aggregations: [{function: count, time_window: 1d}]
        attribute_views:
          - {name: latest, entity: customer, source: orders, max_age: 1d, attributes: [shop, gift]}
        on_demand_feature_views:
          - name: checkout
            sources: [spending]
            request: {price: float64, note: string, since: timestamp, first: bool, units: int64}
            features:
              share: request.price / nullif(amount_sum_1d, 0)
              noted: request.note || '!'
              hour: hour(request.since)
              firsts: request.first or count_1d > 1
              total: request.units + count_1d
        feature_services:
          - {name: small, features: ["spending:count_1d", "spending:amount_sum_1d"]}
          - {name: small, version: 2, features: ["latest:*"]}
        """
    ])

    init(tokens: String?, limits: WireLimits, bodyTimeMax: TimeAmount?) async throws {
        store = try FeatureStore(directory: folder.path, options: StoreOptions(), clock: { Self.now })
        _ = try DefinitionsService(store: store).apply(Self.definitions)
        pool = ReaderPool(threads: 2)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        server = try await HTTPServer.start(
            host: "127.0.0.1",
            port: 0,
            shared: ServerContext(
                store: store,
                pool: pool,
                security: ServerSecurity(tokens: tokens.flatMap { TokenList(text: $0) }),
                admin: .standard(store: store, version: "test", ingest: { nil }),
                limits: limits,
                log: logger,
                serverName: "test",
                latency: latency
            ),
            version: "1.2.3",
            bodyTimeMax: bodyTimeMax,
            ingest: { nil }
        )
    }

    func stop() async throws {
        await server.stop()
        await pool.stop()
        store.close()
    }

    /// Commits events, each with its age; a column that is not named is null.
    ///
    /// - Parameter availableFrom: tells that the source's data begins to be whole only there.
    func commit(_ events: [(age: Int64, fields: [String: FeatureValue])], availableFrom: Instant? = nil) throws {
        let stream = StreamID(source: 1, incarnation: 1, partition: 0)
        try store.commit { _ in
            var commit = Commit()
            for history in store.catalog.histories {
                let batch = EventBatch(types: history.types)
                for (offset, event) in events.enumerated() {
                    let row = batch.appendRows(1)
                    batch.times[row] = Self.now.microseconds - event.age
                    batch.streams[row] = stream.rawValue
                    batch.offsets[row] = Int64(offset)
                    batch.nulls[row] = 0
                    for (index, column) in history.columns.enumerated() {
                        guard let slot = batch.slot(event.fields[column.field.name]) else {
                            batch.nulls[row] |= 1 << UInt64(index)
                            continue
                        }
                        batch.column(index)[row] = slot
                    }
                    let key = EntityKey.encode(history.joinKeys.compactMap { event.fields[$0.name] }) ?? []
                    batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
                    batch.keyBytes += key
                }
                commit.batches.append((history.id, batch))
            }
            commit.offsets = [StreamOffset(stream: stream, next: Int64(events.count))]
            if let availableFrom { commit.availability = [("orders", availableFrom)] }
            return commit
        }
    }

    func get(_ path: String, _ headers: String = "") async throws -> HTTPReply {
        try await HTTPExchange(server).send("GET \(path) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n")
    }

    func post(_ body: String, to path: String = "/get-online-features", _ headers: String = "") async throws
        -> HTTPReply
    {
        let head = "POST \(path) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n"
        return try await HTTPExchange(server).send(head + body)
    }
}

extension EventBatch {
    fileprivate func slot(_ value: FeatureValue?) -> UInt64? {
        switch value {
        case .int64(let number): UInt64(bitPattern: number)
        case .float64(let number): number.bitPattern
        case .bool(let flag): flag ? 1 : 0
        case .timestamp(let instant): UInt64(bitPattern: instant.microseconds)
        case .string(let text): Array(text.utf8).withUnsafeBytes { store($0) }
        default: nil
        }
    }
}

/// Runs a test against a fresh server and stops it in every case.
func withHTTP<R>(
    tokens: String? = nil,
    limits: WireLimits = .standard,
    bodyTimeMax: TimeAmount? = nil,
    _ body: (HTTPUnderTest) async throws -> R
) async throws -> R {
    let server = try await HTTPUnderTest(tokens: tokens, limits: limits, bodyTimeMax: bodyTimeMax)
    do {
        let result = try await body(server)
        try await server.stop()
        return result
    } catch {
        try await server.stop()
        throw error
    }
}
