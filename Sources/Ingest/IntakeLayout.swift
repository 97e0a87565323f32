// A source's plan as rows meet it: plain numbers side by side. Asked of the plan itself, every row would count references to its
// arrays and names up and down.
//
//   fields    | form | form | ...                 how a field's slot is read
//   targets   | batch, key fields, columns | ...  one a history
//   columns   | from a field | 1 | null | ...

import FeatureHistory
import FeatureModel
import Windowing

/// How a decoded field's slot is read.
struct FieldForm {
    enum Content {
        case number
        case text
        case time
        /// A time as text, to be taken apart.
        case textTime
    }

    var content: Content
    /// As a join key: an integer, else text.
    var isIntegerKey: Bool

    init(_ field: DecodedField) {
        content =
            switch field.kind {
            case .value(.string): .text
            case .time: field.isTextTime ? .textTime : .time
            default: .number
            }
        isIntegerKey = field.kind == .value(.int64)
    }
}

/// What becomes of a decoded row in one history.
struct TargetLayout {
    /// Lives as long as the intake.
    let batch: Unmanaged<EventBatch>
    let keyFields: UnsafeBufferPointer<Int>
    let columns: UnsafeBufferPointer<ColumnOrigin>
}

/// The layout of one intake; owns what it lends.
final class IntakeLayout {
    let forms: UnsafeBufferPointer<FieldForm>
    let targets: UnsafeBufferPointer<TargetLayout>
    /// The fields that expressions read, as columns of their inputs.
    let inputs: UnsafeBufferPointer<ColumnOrigin>

    /// - Parameter batches: one a target of the plan.
    init(_ plan: SourcePlan, _ batches: [EventBatch]) {
        forms = Self.copy(plan.fields.map { FieldForm($0) })
        targets = Self.copy(
            zip(plan.targets, batches).map { target, batch in
                TargetLayout(
                    batch: .passUnretained(batch),
                    keyFields: Self.copy(target.keyFields),
                    columns: Self.copy(target.columns)
                )
            }
        )
        inputs = Self.copy(plan.expressionFields.map { .field($0) })
    }

    deinit {
        for target in targets {
            target.keyFields.deallocate()
            target.columns.deallocate()
        }
        forms.deallocate()
        targets.deallocate()
        inputs.deallocate()
    }

    private static func copy<T>(_ values: [T]) -> UnsafeBufferPointer<T> {
        let copy = UnsafeMutableBufferPointer<T>.allocate(capacity: values.count)
        _ = copy.initialize(from: values)
        return UnsafeBufferPointer(copy)
    }
}

/// The entity key of a row on its way into a batch. Must be `free`d by its owner.
struct KeyBuffer {
    private let memory: UnsafeMutableRawPointer
    private var count = 0

    init() {
        // One value may go beyond the longest key before that is seen.
        memory = .allocate(byteCount: 2 * EntityKey.byteCountMax + 16, alignment: 8)
    }

    func free() { memory.deallocate() }

    @inline(__always) var isTooLong: Bool { count > EntityKey.byteCountMax }

    /// Valid until it changes; not of one that is too long.
    @inline(__always) var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    @inline(__always) mutating func removeAll() { count = 0 }

    /// Adds a join key's value; one that is too long for a key makes the key longer than it may be.
    @inline(__always)
    mutating func append(_ field: Int, _ form: FieldForm, _ decoded: DecodedRow) {
        guard !isTooLong else { return }
        let slot = decoded.slots[field]
        guard !form.isIntegerKey else {
            EntityKey.write(Int64(bitPattern: slot), to: memory + count)
            count += EntityKey.integerByteCount
            return
        }
        let text = decoded.text(slot)
        guard let byteCount = EntityKey.byteCount(ofString: text.count) else {
            count = EntityKey.byteCountMax + 1
            return
        }
        EntityKey.write(text, to: memory + count)
        count += byteCount
    }

    /// Takes over a key that was made elsewhere.
    mutating func set(_ key: [UInt8]) {
        count = key.count
        guard !isTooLong else { return }
        key.withUnsafeBytes { if let start = $0.baseAddress { memory.copyMemory(from: start, byteCount: key.count) } }
    }
}
