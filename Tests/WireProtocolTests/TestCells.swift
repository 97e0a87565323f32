import FeatureModel
import WireProtocol

/// Cells in the slot layout that the server's evaluation leaves, made from values.
struct TestCells {
    var statuses: [UInt8] = []
    var slots: [UInt64] = []
    var eventTimes: [Int64] = []
    var strings: [UInt8] = []

    init(_ cells: [FeatureCell]) {
        for cell in cells { append(cell) }
    }

    private mutating func append(_ cell: FeatureCell) {
        statuses.append(StatusByte(cell.status, hasValue: cell.value != .null).rawValue)
        eventTimes.append(cell.eventTime?.microseconds ?? .min)
        switch cell.value {
        // What stands in a slot without a value must not matter.
        case .null: slots.append(0xdead_beef_dead_beef)
        case .int64(let value): slots.append(UInt64(bitPattern: value))
        case .float64(let value): slots.append(value.bitPattern)
        case .bool(let value): slots.append(value ? 1 : 0)
        case .timestamp(let value): slots.append(UInt64(bitPattern: value.microseconds))
        case .string(let value): store(Array(value.utf8))
        case .list(let values):
            var bytes: [UInt8] = []
            FeaturePayload.append(list: values, to: &bytes)
            store(bytes)
        case .map(let entries):
            var bytes: [UInt8] = []
            FeaturePayload.append(map: entries, to: &bytes)
            store(bytes)
        }
    }

    private mutating func store(_ bytes: [UInt8]) {
        slots.append(UInt64(strings.count) << 32 | UInt64(bytes.count))
        strings += bytes
    }

    func withView<R>(eventTimes wanted: Bool = false, _ body: (FeatureCellsView) throws -> R) rethrows -> R {
        try statuses.withUnsafeBufferPointer { statuses in
            try slots.withUnsafeBufferPointer { slots in
                try eventTimes.withUnsafeBufferPointer { times in
                    try strings.withUnsafeBytes { strings in
                        guard let statuses = statuses.baseAddress, let slots = slots.baseAddress else {
                            preconditionFailure("at least one cell")
                        }
                        return try body(
                            FeatureCellsView(
                                statuses: statuses,
                                slots: slots,
                                eventTimes: wanted ? times.baseAddress : nil,
                                strings: strings
                            )
                        )
                    }
                }
            }
        }
    }
}
