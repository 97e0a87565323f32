import Synchronization

/// A named key space of an open database. Cheap to keep and to pass; it does not keep the database open.
///
/// `@unchecked Sendable`: the pointer is a constant, and it is read only by calls that hold a use of the database.
public final class ColumnFamily: @unchecked Sendable {
    public let name: String
    let pointer: OpaquePointer
    let database: OpenDatabase

    private let dropped = Atomic<Bool>(false)

    init(name: String, pointer: OpaquePointer, database: OpenDatabase) {
        self.name = name
        self.pointer = pointer
        self.database = database
    }

    /// Takes a use of `database` for a call, after checking that this family is one of its own: mixing two databases
    /// up is a mistake in the program, and RocksDB would write into whatever family has the same number.
    func enter(_ database: OpenDatabase) throws(RocksDBError) {
        precondition(database === self.database, "column family \(name) belongs to another database")
        try database.enter()
    }

    var isDropped: Bool { dropped.load(ordering: .acquiring) }

    func markDropped() { dropped.store(true, ordering: .releasing) }
}
