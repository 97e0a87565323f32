// The verbs that show what histories hold, for auditors: bounded pieces, read on the pool.

import FeatureHistory
import FeatureModel
import Windowing
import WireProtocol

extension AdminRouter {
    /// definitions, sample_entities, entity_history.
    mutating func onHistories(of store: FeatureStore) {
        on("definitions") { _ throws(WireError) in
            let files = store.appliedFiles.map { DefinitionFilesMessage.File(name: $0.name, text: $0.text) }
            return try Self.reply(DefinitionsMessage(files: files, definitionHash: store.catalog.definitionHash))
        }
        on("sample_entities") { body throws(WireError) in
            let wanted = try Self.request(SampleEntitiesRequest.self, body)
            guard (1...FeatureStore.sampleMax).contains(wanted.count) else {
                throw WireError(.badRequest, "count must be 1 to \(FeatureStore.sampleMax)")
            }
            let history = try Self.history(wanted.source, wanted.entity, in: store.catalog)
            // The epoch stands for "before the first".
            let newest = store.newestCommit.microseconds == 0 ? nil : store.newestCommit
            let keys: [[UInt8]]
            do throws(StoreError) {
                keys = try store.sampleEntities(of: history, count: wanted.count, seed: wanted.seed)
            } catch { throw WireError(.storeFailed, "\(error)") }
            return try Self.reply(
                SampleEntitiesMessage(
                    keys: keys.compactMap { key in
                        key.withUnsafeBytes { EntityKey.decode($0) }?.compactMap { KeyValueMessage($0) }
                    },
                    newestCommit: newest?.iso8601
                )
            )
        }
        on("entity_history") { body throws(WireError) in
            let wanted = try Self.request(EntityHistoryRequest.self, body)
            guard (1...FeatureStore.pageEventsMax).contains(wanted.limit) else {
                throw WireError(.badRequest, "limit must be 1 to \(FeatureStore.pageEventsMax)")
            }
            return try Self.reply(try Self.page(wanted, store))
        }
    }

    private static func page(_ wanted: EntityHistoryRequest, _ store: FeatureStore) throws(WireError)
        -> EntityHistoryMessage
    {
        let catalog = store.catalog
        let history = try history(wanted.source, wanted.entity, in: catalog)
        let source = catalog.sources[wanted.source]
        let values = wanted.key.map(\.value)
        guard values.count == history.joinKeys.count, zip(values, history.joinKeys).allSatisfy({ $0.isOf($1.type) }),
            let key = EntityKey.encode(values)
        else {
            let joinKeys = history.joinKeys.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
            throw WireError(.badRequest, "key must have the values (\(joinKeys)), in this order")
        }
        let place = wanted.after.map { after in
            EventOrder(
                time: after.time,
                stream: StreamID(
                    source: source?.ordinal ?? 0,
                    incarnation: after.incarnation,
                    partition: after.partition
                ).rawValue,
                offset: after.offset
            )
        }
        do throws(StoreError) {
            let page = try store.entityEvents(of: history, key: key, after: place, eventsMax: wanted.limit)
            return EntityHistoryMessage(page, history, source, definitionHash: catalog.definitionHash)
        } catch { throw WireError(.storeFailed, "\(error)") }
    }

    private static func history(_ source: String, _ entity: String, in catalog: Catalog) throws(WireError)
        -> HistorySchema
    {
        guard let known = catalog.entity(entity) else {
            let names = catalog.definition.entities.map(\.name)
            throw WireError(.badRequest, "no entity '\(entity)'\(hint(for: entity, among: names, title: "entities"))")
        }
        guard let history = catalog.history(source: source, joinKeys: known.joinKeys) else {
            let names = catalog.histories.filter { $0.joinKeys == known.joinKeys }.map(\.source)
            throw WireError(
                .badRequest,
                "no history of source '\(source)' for entity '\(entity)'"
                    + hint(for: source, among: names, title: "sources with one")
            )
        }
        return history
    }
}

extension EntityHistoryMessage {
    fileprivate init(
        _ page: EntityEventsPage,
        _ history: HistorySchema,
        _ source: SourceRecord?,
        definitionHash: String
    ) {
        func text(_ instant: Instant) -> String? { instant == .distantPast ? nil : instant.iso8601 }
        func text(_ microseconds: Int64) -> String { Instant(microseconds: microseconds).iso8601 }
        let events = page.events
        let rows = 0..<events.count
        let streams = rows.map { StreamID(rawValue: events.streams[$0]) }
        self.definitionHash = definitionHash
        times = rows.map { events.times[$0] }
        arrivals = rows.map { events.arrivals[$0] }
        incarnations = streams.map(\.incarnation)
        partitions = streams.map(\.partition)
        offsets = rows.map { events.offsets[$0] }
        columns = history.columns.enumerated().map { index, column in
            Column((column.field.name, column.field.type, text(column.availableFrom)), at: index, of: events)
        }
        availableFrom = text(max(source?.availableFrom ?? .distantPast, history.availableFrom))
        horizon = text(page.horizon)
        dropped = page.dropped.map {
            Dropped(
                events: $0.count,
                firstTime: text($0.firstTime),
                lastTime: text($0.lastTime),
                newestArrival: text($0.newestArrival)
            )
        }
        next = page.next.map { place in
            let stream = StreamID(rawValue: place.stream)
            return EventPlaceMessage(
                time: place.time,
                incarnation: stream.incarnation,
                partition: stream.partition,
                offset: place.offset
            )
        }
    }
}

extension FeatureValue {
    fileprivate func isOf(_ type: ValueType) -> Bool {
        switch (self, type) {
        case (.int64, .int64), (.string, .string): true
        default: false
        }
    }
}
