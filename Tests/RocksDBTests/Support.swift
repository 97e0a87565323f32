import Glibc
import RocksDB

/// A directory of its own for one test, removed with all that is in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/strandline-rocksdb-XXXXXX".utf8CString)
        struct NoDirectory: Error { let errno: Int32 }
        guard let made = mkdtemp(&template) else { throw NoDirectory(errno: errno) }
        path = String(cString: made)
    }

    deinit { Self.removeAll(path) }

    /// Removes a file, or a directory with all below it. `remove` refuses a directory that is not empty.
    private static func removeAll(_ path: String) {
        guard remove(path) != 0 else { return }
        for file in files(in: path, endingIn: "") where !file.hasSuffix("/.") && !file.hasSuffix("/..") {
            removeAll(file)
        }
        rmdir(path)
    }

    /// The paths of the files below `path` whose names end so.
    static func files(in path: String, endingIn suffix: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(suffix) { names.append("\(path)/\(name)") }
        }
        return names.sorted()
    }
}

extension [UInt8] {
    /// The bytes of a text, for keys and values that read well in a test.
    init(_ text: String) { self.init(text.utf8) }
}

extension Database {
    /// The family that the test itself asked for.
    func family(_ name: String) throws -> ColumnFamily {
        struct NoFamily: Error { let name: String }
        guard let family = columnFamily(name) else { throw NoFamily(name: name) }
        return family
    }

    func put(_ rows: [(String, String)], in family: ColumnFamily) throws {
        var batch = WriteBatch()
        for (key, value) in rows { batch.put([UInt8](key), [UInt8](value), in: family) }
        try write(batch, sync: false)
    }

    func text(_ key: String, in family: ColumnFamily, snapshot: Snapshot? = nil) throws -> String? {
        try get([UInt8](key), in: family, snapshot: snapshot).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The keys that an iterator meets from its first to its last entry.
    func keys(in family: ColumnFamily, from lower: String? = nil, to upper: String? = nil) throws -> [String] {
        var iterator = try makeIterator(
            in: family,
            lowerBound: lower.map { [UInt8]($0) },
            upperBound: upper.map { [UInt8]($0) }
        )
        var keys: [String] = []
        iterator.seekToFirst()
        while iterator.isValid {
            keys.append(String(decoding: iterator.key, as: UTF8.self))
            iterator.next()
        }
        try iterator.checkStatus()
        return keys
    }
}
