import CRocksDB
import Glibc

let defaultFamilyName = "default"

extension Database {
    /// Refuses a directory with table files whose `CURRENT` is missing. RocksDB takes it for an empty directory, makes
    /// a new database and deletes the tables as leftovers.
    static func checkNotBeheaded(_ path: String) throws(RocksDBError) {
        guard access(path + "/CURRENT", F_OK) != 0, let directory = opendir(path) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".sst") || name.hasPrefix("MANIFEST-") {
                throw RocksDBError(code: .corruption, message: "\(path) holds \(name) but no file CURRENT")
            }
        }
    }

    /// The families to open: `default` first, then those asked for, then what is on disk besides.
    static func allFamilies(
        _ asked: [ColumnFamilyOptions],
        path: String
    ) throws(RocksDBError) -> [ColumnFamilyOptions] {
        var names: Set<String> = [defaultFamilyName]
        var families = [ColumnFamilyOptions(defaultFamilyName)]
        for family in asked {
            guard names.insert(family.name).inserted else {
                let message = "column family \(family.name) is named twice or reserved"
                throw RocksDBError(code: .invalidArgument, message: message)
            }
            families.append(family)
        }
        return families + existingNames(path: path).filter { names.insert($0).inserted }.map { ColumnFamilyOptions($0) }
    }

    /// The families on disk; none when they cannot be read, since opening is the judge of what is wrong then.
    private static func existingNames(path: String) -> [String] {
        let options: OpaquePointer = rocksdb_options_create()
        defer { rocksdb_options_destroy(options) }
        var count = 0
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // This function returns an empty list to be freed even when it fails.
        try? checking { list = rocksdb_list_column_families(options, path, &count, $0) }
        guard let list else { return [] }
        defer { rocksdb_list_column_families_destroy(list, count) }
        return (0..<count).compactMap { list[$0].map { String(cString: $0) } }
    }

    /// Opens the database; the handles are in the order of `families`. The caller owns all that is returned.
    static func openAll(
        path: String,
        options: DatabaseOptions,
        families: [ColumnFamilyOptions],
        cache: OpaquePointer
    ) throws(RocksDBError) -> (database: OpaquePointer, handles: [OpaquePointer]) {
        var familyOptions: [OpaquePointer?] = []
        var names: [UnsafePointer<CChar>?] = []
        defer {
            for pointer in familyOptions { rocksdb_options_destroy(pointer) }
            for name in names { Glibc.free(UnsafeMutablePointer(mutating: name)) }
        }
        for family in families {
            familyOptions.append(try COptions.make(options, family, cache: cache))
            names.append(strdup(family.name))
        }
        var handles = [OpaquePointer?](repeating: nil, count: families.count)
        let database = try checking {
            rocksdb_open_column_families(
                familyOptions[0],
                path,
                Int32(clamping: families.count),
                &names,
                &familyOptions,
                &handles,
                $0
            )
        }
        guard let database else {
            throw RocksDBError(code: .other, message: "RocksDB opened \(path) without a handle and without an error")
        }
        return (database, handles.compactMap { $0 })
    }
}
