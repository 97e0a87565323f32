// Which events a window covers. In 128 bits: nothing here can run over.

extension NaiveOracle {
    /// Whether an event lies before T.
    static func isBefore(_ time: Int64, _ asOf: Int64, _ edge: OracleQuery.Edge) -> Bool {
        edge == .strict ? time < asOf : time <= asOf
    }

    static func covers(_ time: Int64, _ query: OracleQuery, _ asOf: Int64, _ edge: OracleQuery.Edge) -> Bool {
        let time = Int128(time)
        let end = end(query, asOf)
        switch edge {
        case .strict:
            guard time < end else { return false }
            guard let length = query.length else { return true }
            return time >= end - Int128(length)
        case .inclusive:
            guard time <= end else { return false }
            guard let length = query.length else { return true }
            return time > end - Int128(length)
        }
    }

    /// T - offset: where the window ends, whether the event at this instant is inside or not.
    static func end(_ query: OracleQuery, _ asOf: Int64) -> Int128 { Int128(asOf) - Int128(query.offset) }

    /// Whether the window covers an instant before `from`.
    static func startsBefore(_ from: Int64, _ query: OracleQuery, _ asOf: Int64, _ edge: OracleQuery.Edge) -> Bool {
        guard let length = query.length else { return true }
        let start = end(query, asOf) - Int128(length)
        return edge == .strict ? start < Int128(from) : start + 1 < Int128(from)
    }

    /// The microseconds between, exactly, and then one division.
    static func seconds(from time: Int64, to asOf: Int64) -> Double {
        Double(Int128(asOf) - Int128(time)) / 1e6
    }
}
