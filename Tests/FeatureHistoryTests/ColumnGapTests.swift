import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Columns and histories that a definition leaves out and a later one takes up again, and readers that still hold the plan of
/// an older definition.
@Suite struct ColumnGapTests {
    private static func definition(filter: String?, columns: [String] = []) -> FeatureStoreDefinition {
        var definition = World.definition(isGrown: false)
        definition.featureViews[0].filter = filter.map { EventExpression(text: $0, type: .bool, fields: ["flag"]) }
        definition.featureViews[0].columns = columns.map {
            DerivedColumn(name: "d", expression: EventExpression(text: $0, type: .float64, fields: ["amount"]))
        }
        return definition
    }

    private func availability(_ world: TestStore, _ column: String) throws -> Instant {
        let history = try #require(world.store.catalog.histories.first { $0.joinKeys.count == 1 })
        return try #require(history.column(column)).column.availableFrom
    }

    @Test func whatWasLeftOutIsWholeOnlyFromThenOn() throws {
        let world = try TestStore(isConsumed: false)
        func apply(_ definition: FeatureStoreDefinition, _ hash: String) throws {
            try world.store.apply(definition, definitionHash: hash, files: [])
        }
        try apply(Self.definition(filter: "flag"), "one")
        _ = try world.store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        #expect(try availability(world, "? flag") == .distantPast)
        // The same again, and a change that leaves the filter alone: nothing was missed.
        world.clock.set(Instant(microseconds: World.start + 1))
        try apply(Self.definition(filter: "flag", columns: ["amount"]), "two")
        #expect(try availability(world, "? flag") == .distantPast)
        world.clock.set(Instant(microseconds: World.start + 2))
        try apply(Self.definition(filter: "not flag"), "three")
        #expect(try availability(world, "? not flag") == Instant(microseconds: World.start + 2))
        world.clock.set(Instant(microseconds: World.start + 3))
        try apply(Self.definition(filter: "flag"), "four")
        #expect(try availability(world, "? flag") == Instant(microseconds: World.start + 3))
        // Fields of the schema are stored all the time.
        #expect(try availability(world, "amount") == .distantPast)

        // A history that no view uses is not kept.
        var without = Self.definition(filter: nil)
        without.featureViews.removeFirst()
        world.clock.set(Instant(microseconds: World.start + 4))
        try apply(without, "five")
        world.clock.set(Instant(microseconds: World.start + 5))
        try apply(Self.definition(filter: nil), "six")
        let histories = world.store.catalog.histories
        #expect(histories.first { $0.joinKeys.count == 1 }?.availableFrom == Instant(microseconds: World.start + 5))
        #expect(histories.first { $0.joinKeys.count == 2 }?.availableFrom == .distantPast)
    }

    /// A reader that still holds an older plan brings a cold entity in: the columns that it does not know must not be lost.
    @Test(arguments: [false, true])
    func anOlderPlanLosesNothing(isFolded: Bool) throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 5, users: 1, cards: 1)
        try world.commit(stream.next(40))
        try world.store.fold()
        world.store.evictAll()
        let older = world.plan
        world.clock.set(Instant(microseconds: World.start + 1000))
        try world.grow()
        try world.commit(stream.next(40))
        if isFolded {
            try world.store.fold()
            world.store.evictAll()
            try world.commit(stream.next(3))
        }
        let point = ReadPoint(asOf: .distantFuture, knownAt: .distantFuture)
        let key = World.key(0, 0)
        try key.withUnsafeBytes { try world.store.read(older, key: $0, at: point, world.scratch) }
        try world.check(0, 0, point, "after an older plan's read")
        try world.store.fold()
        world.store.evictAll()
        try world.check(0, 0, point, "cold again")
    }

    /// What the shards believe to hold follows the trees, whatever a fold makes them forget.
    @Test func memoryIsCountedRight() throws {
        var options = StoreOptions()
        options.treeShape = TreeShape(leafEvents: 4, children: 3)
        let world = try TestStore(options: options)
        let empty = world.store.figures.residentBytes
        var stream = RecordStream(seed: 6, users: 3, cards: 2)
        for _ in 0..<30 {
            try world.commit(stream.next(50))
            for user in 0..<Int64(3) {
                for card in 0..<Int64(2) {
                    _ = try world.read(user, card, ReadPoint(asOf: .distantFuture, knownAt: .distantFuture))
                }
            }
            try world.commit(stream.next(5))
            try world.store.fold()
        }
        let full = world.store.figures.residentBytes
        for _ in 0..<3 { world.store.evictAll() }
        let left = world.store.figures.residentBytes
        #expect(world.store.figures.residentEntities == 0)
        #expect(full > empty + 50_000, "the trees and tiles do count: \(full)")
        #expect(left < empty + 2_000, "index cells and slots stay, nothing else: \(left) after \(empty)")
    }
}
