// Attributes: columns of one version, the newest event of the entity that belongs to the view.
//
//   attributes --> by the view's filter --> one search for the version --> a cell each
//
//   version             status             value
//   dropped, not kept   OUTSIDE_RETENTION  none
//   none                NOT_FOUND          none
//   a tombstone         NOT_FOUND          none
//   older than max_age  OUTSIDE_MAX_AGE    none
//   before the data     PARTIAL            the column's; may be none
//   column is null      NULL_VALUE         none
//   otherwise           PRESENT            the column's

public import FeatureModel

/// One attribute over the columns of a history, as the plan wants it.
public struct PlannedAttribute: Sendable {
    /// The column's index in the history and its type.
    public var column: (index: Int, type: ValueType)
    /// A column of marks: an event for which it is null is no version. nil lets every event be one.
    public var filter: Int?
    /// The column that is null for tombstones; nil where a history has none.
    public var live: Int?
    /// The column that is null for duplicates, which are no versions; nil where a history has none.
    public var counts: Int?
    /// Microseconds; nil: no limit.
    public var maxAge: Int64?
    /// Values are complete only from here on; `distantPast` when the store saw the log from its beginning.
    public var availableFrom: Instant

    public init(
        column: (index: Int, type: ValueType),
        filter: Int? = nil,
        live: Int? = nil,
        counts: Int? = nil,
        maxAge: Int64? = nil,
        availableFrom: Instant
    ) {
        self.column = column
        self.filter = filter
        self.live = live
        self.counts = counts
        self.maxAge = maxAge
        self.availableFrom = availableFrom
    }

    /// An event is a version when its null word has none of these bits. The marks of filters are there for tombstones.
    var mask: UInt64 { nullBit(filter) | nullBit(counts) }
}

/// What an attribute is read from.
enum EntityVersion {
    case event(EventRow)
    case none
    /// History has dropped the version, or what was known of it at K.
    case outsideRetention
}

extension WindowPlan {
    /// Attributes that are read from one version.
    struct Versions: Sendable {
        struct Output: Sendable {
            var cell: Int
            var column: Int
            var type: ValueType
            var maxAge: Int64?
            var availableFrom: Instant
        }

        var mask: UInt64
        /// An event is a tombstone when its null word has this bit; 0 where there are none.
        var tombstone: UInt64
        var outputs: [Output]

        /// - Parameter firstCell: the number of the first attribute's result.
        static func groups(_ attributes: [PlannedAttribute], firstCell: Int) -> [Versions] {
            var groups: [Versions] = []
            for (number, attribute) in attributes.enumerated() {
                let (mask, tombstone) = (attribute.mask, nullBit(attribute.live))
                let place = groups.firstIndex { $0.mask == mask && $0.tombstone == tombstone } ?? groups.count
                if place == groups.count { groups.append(Versions(mask: mask, tombstone: tombstone, outputs: [])) }
                groups[place].outputs.append(
                    Output(
                        cell: firstCell + number,
                        column: attribute.column.index,
                        type: attribute.column.type,
                        maxAge: attribute.maxAge,
                        availableFrom: attribute.availableFrom
                    )
                )
            }
            return groups
        }

        func finish(
            _ found: EntityVersion,
            asOf: Instant,
            _ events: EntityEvents,
            into cells: FeatureCells,
            outputs places: UnsafePointer<Int32>
        ) {
            guard case .event(let version) = found, version.nulls & tombstone == 0 else {
                var status = FeatureStatus.notFound
                if case .outsideRetention = found { status = .outsideRetention }
                for output in outputs { cells.set(Int(places[output.cell]), status, slot: nil, eventTime: .min) }
                return
            }
            let (time, nulls) = (version.time, version.nulls)
            for output in outputs {
                let cell = Int(places[output.cell])
                if let maxAge = output.maxAge, WindowInterval.isOlder(time, than: maxAge, at: asOf) {
                    cells.set(cell, .outsideMaxAge, slot: nil, eventTime: time)
                    continue
                }
                var slot: UInt64?
                if nulls & nullBit(output.column) == 0 {
                    let stored = version.slot(output.column)
                    slot = output.type == .string ? cells.store(events.string(stored)) : stored
                }
                let isPartial = WindowInterval.reaches(from: time, before: output.availableFrom)
                let status: FeatureStatus = isPartial ? .partial : slot == nil ? .nullValue : .present
                cells.set(cell, status, slot: slot, eventTime: time)
            }
        }
    }
}
