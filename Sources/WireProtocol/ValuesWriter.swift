public import FeatureModel
public import NIOCore

/// The fixed fields of VALUES; `count` rows of `features` cells follow, each written by `writeValuesRow`.
@frozen
public struct ValuesHeader: Hashable, Sendable {
    public static let byteCount = 23

    /// The T that was used.
    public var asOf: Instant
    /// The K that was used.
    public var knownAt: Instant
    /// Rows; at most `UInt32.max`.
    public var count: Int
    /// Cells of a row; at most `UInt16.max`.
    public var features: Int
    public var eventTimes: Bool

    @inlinable
    public init(asOf: Instant, knownAt: Instant, count: Int, features: Int, eventTimes: Bool) {
        self.asOf = asOf
        self.knownAt = knownAt
        self.count = count
        self.features = features
        self.eventTimes = eventTimes
    }

    /// Appends the fields. Traps when a count does not fit its field: the server checked both against its limits.
    @inlinable
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            asOf.microseconds,
            knownAt.microseconds,
            UInt32(count),
            UInt16(features),
            eventTimes ? ReadOptions.eventTimes.rawValue : 0 as UInt8,
            endianness: .little
        )
    }
}

extension ByteBuffer {
    /// Appends one row of VALUES: statuses, values, and event times where `cells` has them.
    ///
    /// Cells are in the order of `layout.types`. Reserve `count * layout.rowByteCountMax(eventTimes:)` for the whole
    /// message beforehand, and the buffer does not grow here unless there are strings, lists or maps.
    ///
    /// - Parameter byteCountMax: what the frame has room for. Long lists in a few rows could else make the buffer grow
    ///   far beyond any frame before `endFrame` refuses it.
    /// - Returns: false, with nothing written, when the strings, lists and maps alone are longer than that.
    @inlinable
    public mutating func writeValuesRow(
        _ cells: FeatureCellsView,
        layout: FeatureLayout,
        byteCountMax: Int
    ) -> Bool {
        var room = layout.rowByteCountMax(eventTimes: cells.eventTimes != nil)
        if layout.hasBytes {
            let count = layout.types.count
            var byteCount = 0
            for cell in 0..<count where layout.forms[cell] == .bytes && cells.hasValue(cell) {
                byteCount += Int(cells.slots[cell] & 0xffff_ffff)
            }
            guard byteCount <= byteCountMax else { return false }
            room += byteCount
        }
        writeWithUnsafeMutableBytes(minimumWritableBytes: room) { room in
            layout.forms.withUnsafeBufferPointer { forms in
                ValuesRow.write(cells, forms, into: room)
            }
        }
        return true
    }
}

@usableFromInline
enum ValuesRow {
    /// - Returns: the number of bytes written.
    @inlinable
    static func write(
        _ cells: FeatureCellsView,
        _ forms: UnsafeBufferPointer<CellForm>,
        into room: UnsafeMutableRawBufferPointer
    ) -> Int {
        let count = forms.count
        guard count > 0, let base = room.baseAddress else { return 0 }
        base.copyMemory(from: cells.statuses, byteCount: count)
        var end = count
        for cell in 0..<count where cells.hasValue(cell) {
            switch forms[cell] {
            case .slot:
                room.storeBytes(of: cells.slots[cell], toByteOffset: end, as: UInt64.self)
                end += 8
            case .flag:
                room[end] = cells.slots[cell] == 0 ? 0 : 1
                end += 1
            case .bytes:
                let bytes = cells.bytes(cell)
                room.storeBytes(of: UInt32(bytes.count), toByteOffset: end, as: UInt32.self)
                end += 4
                if let start = bytes.baseAddress { (base + end).copyMemory(from: start, byteCount: bytes.count) }
                end += bytes.count
            }
        }
        if let eventTimes = cells.eventTimes {
            (base + end).copyMemory(from: eventTimes, byteCount: count * 8)
            end += count * 8
        }
        return end
    }
}
