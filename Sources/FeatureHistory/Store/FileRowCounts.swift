// How many rows of a history came from files, by the hour of their event time.
//
//   registry   file_rows/ | history u64 | hour, sign flipped, u64   ->   version u8 | rows varint | newest varint
//
// An hour without rows needs no question whether a row is there already, nor does a row that is newer than the newest
// one of its hour: a first load asks for nothing. What an interval holds beside the rows of a run is gone from the files.

/// Rows from files that a commit adds to one history within one hour of event time.
public struct FileRowHour: Hashable, Sendable {
    public var history: UInt32
    /// Hours since the epoch, rounded down.
    public var hour: Int64
    /// At least 1, and no two of an hour in one commit.
    public var rows: UInt64
    /// The latest of their event times, microseconds.
    public var newest: Int64

    public static let microseconds: Int64 = 3_600_000_000

    public init(history: UInt32, hour: Int64, rows: UInt64, newest: Int64) {
        self.history = history
        self.hour = hour
        self.rows = rows
        self.newest = newest
    }

    /// The hour of an event time.
    public static func hour(of time: Int64) -> Int64 {
        let quotient = time / microseconds
        return quotient * microseconds > time ? quotient - 1 : quotient
    }
}

/// The counts of all histories, as they stand in the registry.
struct FileRowCounts {
    struct Count: Equatable {
        var rows: UInt64
        /// Microseconds.
        var newest: Int64
    }

    /// Years 1 to 9999: those of event times.
    private static let hoursOfYears: ClosedRange<Int64> = -17_259_888...70_389_527

    private(set) var hours: [UInt32: [Int64: Count]] = [:]

    func hasRows(of history: UInt32) -> Bool { hours[history] != nil }

    mutating func add(_ added: FileRowHour) { hours[added.history, default: [:]][added.hour] = total(added) }

    private func total(_ added: FileRowHour) -> Count {
        let old = hours[added.history]?[added.hour]
        return Count(rows: (old?.rows ?? 0) &+ added.rows, newest: max(old?.newest ?? .min, added.newest))
    }

    /// The registry row as it is with some rows more.
    func row(adding added: FileRowHour) -> (key: [UInt8], value: [UInt8]) {
        let total = total(added)
        var writer = ByteWriter()
        writer.append(RegistryCodec.version)
        writer.append(varint: total.rows)
        writer.append(varint: UInt64(bitPattern: total.newest &- added.hour &* FileRowHour.microseconds))
        let key =
            RegistryKey.fileRowsPrefix + StoreKeys.number(UInt64(added.history))
            + StoreKeys.number(UInt64(bitPattern: added.hour) ^ (1 << 63))
        return (key, writer.bytes)
    }

    mutating func read(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
        let numbers = key.dropFirst(RegistryKey.fileRowsPrefix.count)
        let halves = (Array(numbers.prefix(8)), Array(numbers.dropFirst(8)))
        guard let id = halves.0.withUnsafeBytes({ StoreKeys.number(in: $0) }), let history = UInt32(exactly: id),
            let flipped = halves.1.withUnsafeBytes({ StoreKeys.number(in: $0) })
        else { throw StoreError(.corruption, "a count of file rows under a key of \(key.count) bytes") }
        let hour = Int64(bitPattern: flipped ^ (1 << 63))
        guard Self.hoursOfYears.contains(hour) else {
            throw StoreError(.corruption, "a count of file rows in hour \(hour)")
        }
        let count = try RegistryCodec.decode(value, subject: "count of file rows") { reader throws(StoreError) in
            let rows = try reader.readVarint()
            let within = try reader.readVarint()
            guard rows > 0, within < UInt64(FileRowHour.microseconds) else {
                throw reader.corrupt("no count of an hour")
            }
            return Count(rows: rows, newest: hour * FileRowHour.microseconds + Int64(within))
        }
        hours[history, default: [:]][hour] = count
    }
}
