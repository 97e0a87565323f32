/// The states of one group of windows while its events are added, from the windows' end towards their starts. Borrows its
/// memory: never stored.
struct WindowEvaluation {
    let columns: [WindowPlan.Column]
    let layout: TileLayout
    /// K; events that arrived later do not count.
    let knownAt: Int64
    /// One a column.
    let states: UnsafeMutableBufferPointer<ColumnAccumulator>

    /// Adds the events of a span that lie in `interval`, event by event.
    func extend(over span: EventSpan, _ interval: WindowInterval) {
        let rows = interval.rows(of: span)
        for (slot, column) in columns.enumerated() {
            states[slot].extend(over: span, column.column, parts: column.parts, range: rows, knownAt: knownAt)
        }
    }

    /// Adds all events below a node.
    func merge(older tile: Tile) {
        for (slot, column) in columns.enumerated() {
            states[slot].merge(older: tile[column.place], column.column.kind)
        }
    }
}
