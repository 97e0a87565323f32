// The events of a benchmark: record number i is a pure function of (seed, i), so parts of a stream can be made anywhere.
//
//   {"user_id":48213,"ts":1735689600000000,"amount":129.95,"quantity":3,"currency":"EUR","channel":"web","note":"xxxx"}
//
// Event times rise evenly over `days` up to `until`; one record in a hundred is up to an hour older than its place.

import Glibc

/// How often each entity occurs.
enum KeyDistribution {
    case uniform
    /// The entity of rank r occurs in proportion to 1 / r^exponent.
    case zipf(exponent: Double)
    /// Entity floor(keys * u^3), u even: the first of 100,000 has 2 % of all records.
    case cubic
}

struct RecordGenerator {
    let records: Int
    let recordBytes: Int
    private let seed: UInt64
    private let until: Int64
    /// Microseconds from the first event time to the last.
    private let span: Int64
    private let keys: Int
    /// What is added to every entity's number.
    private let firstKey: Int
    private let isCubic: Bool
    /// For zipf: the probability of ranks up to and with each one.
    private let cumulative: [Double]
    /// Which entity has a rank: neighbours in rank are no neighbours in number.
    private let entityOfRank: [Int32]
    /// The largest record whose unused fields are empty.
    static let recordBytesMin = 130

    private static let lateMax: UInt64 = 3_600_000_000

    init(
        records: Int,
        keys: Int,
        firstKey: Int = 0,
        distribution: KeyDistribution,
        recordBytes: Int,
        days: Int = 30,
        until: Int64,
        seed: UInt64
    ) {
        self.records = records
        self.keys = keys
        self.firstKey = firstKey
        self.recordBytes = recordBytes
        self.until = until
        span = Int64(days) * 86_400_000_000
        self.seed = seed
        if case .cubic = distribution { isCubic = true } else { isCubic = false }
        guard case .zipf(let exponent) = distribution else {
            cumulative = []
            entityOfRank = []
            return
        }
        var total = 0.0
        var sums: [Double] = []
        sums.reserveCapacity(keys)
        for rank in 1...keys {
            total += exponent == 1 ? 1 / Double(rank) : pow(Double(rank), -exponent)
            sums.append(total)
        }
        cumulative = sums.map { $0 / total }
        var entities = (0..<Int32(keys)).map { $0 }
        for index in stride(from: keys - 1, to: 0, by: -1) {
            entities.swapAt(index, Int(mixed(seed ^ 0x9e37, UInt64(index)) % UInt64(index + 1)))
        }
        entityOfRank = entities
    }

    func entity(_ number: Int) -> Int {
        let random = mixed(seed, UInt64(number) &* 4)
        if isCubic {
            let point = Double(random >> 11) * 0x1p-53
            return firstKey + min(keys - 1, Int(Double(keys) * (point * point * point)))
        }
        guard !cumulative.isEmpty else { return firstKey + Int(random % UInt64(keys)) }
        let point = Double(random >> 11) * 0x1p-53
        var low = 0
        var high = keys - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] < point { low = middle + 1 } else { high = middle }
        }
        return firstKey + Int(entityOfRank[low])
    }

    func eventTime(_ number: Int) -> Int64 {
        let place = until - span + Int64(Double(span) * (Double(number) / Double(records)))
        let random = mixed(seed, UInt64(number) &* 4 &+ 1)
        return random % 100 == 0 ? place - Int64((random >> 8) % Self.lateMax) : place
    }

    /// The amount.
    func cents(_ number: Int) -> UInt64 { 1 + mixed(seed, UInt64(number) &* 4 &+ 2) % 49_999 }

    /// Writes record `number` to `buffer`, which has `recordBytes + 32` bytes at least.
    ///
    /// - Parameter time: the event time, microseconds since 1970; the record's own place in the 30 days when nil.
    /// - Returns: the record's length and its entity.
    func write(
        _ number: Int,
        to buffer: UnsafeMutableRawBufferPointer,
        time: Int64? = nil
    ) -> (byteCount: Int, entity: Int) {
        var writer = TextWriter(buffer)
        let entity = entity(number)
        let random = mixed(seed, UInt64(number) &* 4 &+ 2)
        let cents = cents(number)
        writer.append(#"{"user_id":"#)
        writer.append(UInt64(entity))
        writer.append(#","ts":"#)
        writer.append(UInt64(time ?? eventTime(number)))
        writer.append(#","amount":"#)
        writer.append(cents / 100)
        writer.append(".")
        writer.append(digit: cents / 10 % 10)
        writer.append(digit: cents % 10)
        writer.append(#","quantity":"#)
        writer.append(1 + (random >> 40) % 9)
        writer.append(#","currency":"EUR","channel":"web","note":""#)
        while writer.count < recordBytes - 2 { writer.append(digit: (random >> UInt64(writer.count & 31)) % 10) }
        writer.append(#""}"#)
        return (writer.count, entity)
    }
}

/// A well-mixed number for a place in a sequence (SplitMix64).
func mixed(_ seed: UInt64, _ place: UInt64) -> UInt64 {
    var z = seed &+ (place &+ 1) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
}

/// Appends text to a buffer without an allocation.
struct TextWriter {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    mutating func append(_ text: StaticString) {
        let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        UnsafeMutableRawBufferPointer(rebasing: buffer[count..<(count + bytes.count)]).copyMemory(from: bytes)
        count += bytes.count
    }

    mutating func append(digit: UInt64) {
        buffer[count] = 48 + UInt8(truncatingIfNeeded: digit)
        count += 1
    }

    mutating func append(_ number: UInt64) {
        var digits = 1
        var power: UInt64 = 10
        while digits < 19, number >= power {
            digits += 1
            power *= 10
        }
        var rest = number
        for place in stride(from: digits - 1, through: 0, by: -1) {
            buffer[count + place] = 48 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }
}
