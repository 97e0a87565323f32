// Rows of event files in memory, column by column.
//
//   times | sums (what the content hashes to) | origins (file << 40 | row) | columns: slots, nulls, strings

import FeatureModel
import Ingest
import WireProtocol

struct EventRows {
    struct Column {
        let field: Field
        let seed: UInt64
        /// Bits; of strings offset << 32 | length into `strings`.
        var slots: [UInt64] = []
        var isValid: [Bool] = []
        var hasNulls = false
        var strings: [UInt8] = []

        init(_ field: Field) {
            self.field = field
            seed = RowContent.seed(ofField: field.name)
        }
    }

    var times: [Int64] = []
    var sums: [UInt64] = []
    var origins: [UInt64] = []
    var columns: [Column]

    init(_ fields: [Field]) { columns = fields.map { Column($0) } }

    var count: Int { times.count }

    /// What they take, in bytes.
    var byteCount: Int { count * Self.rowBytes(columns.count) + columns.reduce(0) { $0 + $1.strings.count } }

    /// Bytes of a row, but for its strings.
    static func rowBytes(_ columns: Int) -> Int { 24 + columns * 9 }

    /// Adds values behind those that are there; where there are none, the array itself is taken.
    static func add<T>(_ more: [T], to values: inout [T]) {
        if values.isEmpty { values = more } else { values += more }
    }

    /// Copies some rows, in the order given.
    func selecting(_ order: some Collection<Int>) -> EventRows {
        var rows = self
        rows.times = order.map { times[$0] }
        rows.sums = order.map { sums[$0] }
        rows.origins = order.map { origins[$0] }
        for place in columns.indices {
            let column = columns[place]
            rows.columns[place].isValid = order.map { column.isValid[$0] }
            guard column.field.type == .string else {
                rows.columns[place].slots = order.map { column.slots[$0] }
                continue
            }
            rows.columns[place].strings = []
            rows.columns[place].slots = order.map { row in
                let (start, length) = (Int(column.slots[row] >> 32), Int(column.slots[row] & 0xffff_ffff))
                let own = UInt64(rows.columns[place].strings.count)
                rows.columns[place].strings += column.strings[start..<(start + length)]
                return own << 32 | UInt64(length)
            }
        }
        return rows
    }

    /// Some rows as columns of a request, in the order given.
    func requestColumns(_ order: ArraySlice<Int32>, isWhole: Bool) -> [EventsRequest.Column] {
        columns.map { column in
            var made = EventsRequest.Column(field: column.field, slots: [])
            // In the order in which they stand: whole pieces of arrays.
            if isWhole, let first = order.first, column.field.type != .string {
                let places = Int(first)..<(Int(first) + order.count)
                made.slots = places == column.slots.indices ? column.slots : Array(column.slots[places])
            } else {
                made.slots = order.map { column.slots[Int($0)] }
            }
            if column.hasNulls { made.isNull = order.map { !column.isValid[Int($0)] } }
            guard column.field.type == .string else { return made }
            for place in made.slots.indices {
                let start = Int(made.slots[place] >> 32)
                let length = Int(made.slots[place] & 0xffff_ffff)
                made.strings += column.strings[start..<(start + length)]
                made.slots[place] = UInt64(length)
            }
            return made
        }
    }
}
