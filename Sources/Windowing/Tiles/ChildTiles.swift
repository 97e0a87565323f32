// What a tree node remembers about the events below each of its children.
//
//   columns     | child 0: state of layout column 0, of column 1, ... | child 1: ... |
//   functions   | child 0: state of layout function 0, ...            | child 1: ... |
//
// Filled state by state, when a read first needs one.

struct ChildTiles {
    var columns = StateGrid<ColumnAccumulator>()
    var functions = StateGrid<FunctionState>()

    /// Forgets what is known about a child: an event below has changed it.
    ///
    /// - Returns: the bytes that were given back.
    @inline(__always)
    mutating func forget(_ child: Int) -> Int { columns.forget(child) + functions.forget(child) }

    /// Makes room for a child at `index`, nothing known about it, among `count` children.
    mutating func insert(at index: Int, count: Int) {
        columns.insert(at: index, count: count)
        functions.insert(at: index, count: count)
    }

    mutating func free() {
        columns.free()
        functions.free()
    }
}
