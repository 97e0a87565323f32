// Many rows of one entity, as a training set asks for them: see `AdvancingWindows`.
//
//   entity's rows, T ascending --> each part of the plan:   windows that can move: begun once, under the entity's lock
//                                                           all else: read row by row, as a lookup reads it
//                              --> row by row: the cells of all parts, then derived features
//
// Which way a cell was read makes no difference to its bits.

import FeatureModel
import Windowing

/// One row of an entity.
public struct EntityRow: Sendable {
    public var point: ReadPoint
    /// The row of `ReadScratch.request` that belongs to it, for plans that need request values.
    public var request: Int

    public init(point: ReadPoint, request: Int) {
        self.point = point
        self.request = request
    }
}

extension FeatureStore {
    /// Reads one entity at many points, from disk where it is not in memory; blocking.
    ///
    /// - Parameters:
    ///   - key: as for `read`.
    ///   - rows: with one boundary, in the order of T.
    ///   - scratch: has the cells of a row while `body` is called.
    ///   - body: called for each row, by its index; false ends the reading.
    /// - Returns: false when `body` ended it.
    public func read(
        _ plan: LookupPlan,
        key: UnsafeRawBufferPointer,
        rows: ArraySlice<EntityRow>,
        _ scratch: ReadScratch,
        _ body: (Int) -> Bool
    ) throws(StoreError) -> Bool {
        while scratch.advancing.count < plan.parts.count {
            scratch.advancing.append(AdvancingWindows())
            scratch.isBegun.append(false)
        }
        var rest = rows
        while !rest.isEmpty {
            let some = try begin(plan, key, rest, scratch)
            for index in some.indices {
                let row = some[index]
                scratch.cells.reserve(plan.cellCount)
                for (number, part) in plan.parts.enumerated() {
                    if scratch.isBegun[number], let advancing = part.advancing {
                        advancing.outputs.withUnsafeBufferPointer { outputs in
                            guard let outputs = outputs.baseAddress else { return }
                            scratch.advancing[number]
                                .evaluate(asOf: row.point.asOf, into: scratch.cells, outputs: outputs)
                        }
                        guard let others = advancing.others else { continue }
                        setIdentity(part, key, scratch)
                        try readPart(part, others, advancing.otherOutputs, row.point, scratch)
                    } else {
                        setIdentity(part, key, scratch)
                        try readPart(part, part.windows, part.outputs, row.point, scratch)
                    }
                }
                if !plan.derived.isEmpty { scratch.derived.run(plan, scratch, row: row.request) }
                guard body(index) else { return false }
            }
            rest = rest[some.endIndex...]
        }
        return true
    }

    /// Begins the windows that can move.
    ///
    /// - Returns: the first rows, for which they have begun.
    private func begin(
        _ plan: LookupPlan,
        _ key: UnsafeRawBufferPointer,
        _ rows: ArraySlice<EntityRow>,
        _ scratch: ReadScratch
    ) throws(StoreError) -> ArraySlice<EntityRow> {
        var some = rows
        while true {
            var isTooMany = false
            for (number, part) in plan.parts.enumerated() {
                scratch.isBegun[number] = false
                // One row is read as a lookup is.
                guard some.count > 1, let advancing = part.advancing, let wanted = Self.outline(some) else { continue }
                setIdentity(part, key, scratch)
                var beginning = AdvancingWindows.Beginning.unfit
                while try !readEvents(
                    of: scratch.identity.copy,
                    history: part.history,
                    types: part.types,
                    retention: part.retention,
                    { events in
                        beginning = scratch.advancing[number]
                            .begin(advancing.windows, number: part.number, events, wanted)
                    }
                ) {}
                scratch.isBegun[number] = beginning == .ready
                isTooMany = isTooMany || beginning == .tooMany
            }
            guard isTooMany else { return some }
            some = some.prefix(some.count / 2)
        }
    }

    private static func outline(_ rows: ArraySlice<EntityRow>) -> AdvancingWindows.Rows? {
        guard let first = rows.first, let last = rows.last else { return nil }
        var (least, most) = (first.point.knownAt, first.point.knownAt)
        for row in rows {
            least = min(least, row.point.knownAt)
            most = max(most, row.point.knownAt)
        }
        let isRowTime = least < most && rows.allSatisfy { $0.point.knownAt == min($0.point.asOf, most) }
        return AdvancingWindows.Rows(
            first: first.point.asOf,
            last: last.point.asOf,
            count: rows.count,
            knownAt: least...most,
            rowTimes: isRowTime ? rows.map(\.point.asOf) : [],
            boundary: first.point.boundary
        )
    }
}
