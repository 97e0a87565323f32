// What requests bring along, for all rows of one request:
//
//   slots     u64 | ...       row after row, one slot a field; 0 where null
//   isNull    Bool | ...      the same places
//   strings   UTF-8 bytes     a string's slot is offset << 32 | length into them
//
// Codecs and the command line fill it, reads take a row of it. Its memory is used again from request to request.

/// The request values of some rows.
public struct RequestValues: Hashable, Sendable {
    /// Values of a row.
    public private(set) var fieldCount = 0
    public private(set) var slots: [UInt64] = []
    public private(set) var isNull: [Bool] = []
    public private(set) var strings: [UInt8] = []

    /// The most bytes of one string.
    public static let stringByteCountMax = 64 * 1024
    /// What is kept from one request to the next, in values and in bytes.
    private static let keptCountMax = 4096

    public init() {}

    /// Whole rows; 0 without fields.
    public var rowCount: Int { fieldCount == 0 ? 0 : slots.count / fieldCount }

    /// Forgets all rows; the next ones have this many values each.
    public mutating func begin(fieldCount: Int) {
        self.fieldCount = fieldCount
        guard !slots.isEmpty || !strings.isEmpty else { return }
        let keeps = slots.count <= Self.keptCountMax && strings.count <= Self.keptCountMax
        slots.removeAll(keepingCapacity: keeps)
        isNull.removeAll(keepingCapacity: keeps)
        strings.removeAll(keepingCapacity: keeps)
    }

    public mutating func appendNull() {
        slots.append(0)
        isNull.append(true)
    }

    /// Appends an int64, microseconds, or 0 or 1 for a bool.
    public mutating func append(_ integer: Int64) {
        slots.append(UInt64(bitPattern: integer))
        isNull.append(false)
    }

    /// Appends a number that is finite. -0.0 becomes +0.0: equal numbers have equal bits.
    public mutating func append(_ number: Double) {
        slots.append((number + 0).bitPattern)
        isNull.append(false)
    }

    /// Appends the UTF-8 bytes of a string.
    public mutating func append(utf8 bytes: some Collection<UInt8>) {
        slots.append(UInt64(strings.count) << 32 | UInt64(bytes.count))
        isNull.append(false)
        strings.append(contentsOf: bytes)
    }
}

extension FeatureValue {
    /// Why it cannot be a request value of this type, after "is"; nil when it can. null always can.
    public func requestProblem(of type: ValueType) -> String? {
        switch (self, type) {
        case (.null, _), (.int64, .int64), (.bool, .bool), (.timestamp, .timestamp): return nil
        case (.float64(let number), .float64): return number.isFinite ? nil : "not a finite number"
        case (.string(let text), .string):
            return text.utf8.count <= RequestValues.stringByteCountMax
                ? nil : "longer than \(RequestValues.stringByteCountMax) bytes"
        default: return "not \(type.name)"
        }
    }
}
