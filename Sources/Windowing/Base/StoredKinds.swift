// What tells the states of a base apart, as bytes: the head of `HistoryBase+Codec` draws them.

import FeatureModel

extension TileLayout.Column {
    func write(to writer: inout StateWriter) {
        writer.append(count: index.map { $0 + 1 } ?? 0)
        writer.append(kind.tag)
        writer.append(mask)
        writer.append(parts.rawValue)
    }

    init?(from reader: inout StateReader) {
        guard let place = reader.readNumber(), place <= 64, let tag = reader.read(UInt8.self),
            let kind = ColumnKind(tag: tag), let mask = reader.read(UInt64.self), let parts = reader.read(UInt8.self)
        else { return nil }
        self.init(
            index: place == 0 ? nil : Int(place) - 1,
            kind: kind,
            mask: mask,
            parts: AccumulatorParts(rawValue: parts)
        )
    }
}

extension ColumnKind {
    var tag: UInt8 {
        switch self {
        case .integer: 1
        case .double: 2
        case .flag: 3
        case .string: 4
        }
    }

    init?(tag: UInt8) {
        switch tag {
        case 1: self = .integer
        case 2: self = .double
        case 3: self = .flag
        case 4: self = .string
        default: return nil
        }
    }
}

extension StateKind {
    func write(to writer: inout StateWriter) {
        switch self {
        case .moments: writer.append(UInt8(1))
        case .hyperLogLog(let precision):
            writer.append(UInt8(2))
            writer.append(count: precision)
        case .quantiles(let accuracy):
            writer.append(UInt8(3))
            writer.append(accuracy.bitPattern)
        case .distinct(let most):
            writer.append(UInt8(4))
            writer.append(count: most)
        case .ends(let form, let limit):
            writer.append(UInt8(5))
            writer.append(form.rawValue)
            writer.append(count: limit)
        case .decayed(let halfLife, let weighsValues):
            writer.append(UInt8(6))
            writer.append(halfLife)
            writer.append(weighsValues ? UInt8(1) : 0)
        case .groups(let grouping):
            writer.append(UInt8(7))
            grouping.column.write(to: &writer)
            writer.append(count: grouping.maxDistinct)
            writer.append(grouping.kind == nil ? UInt8(0) : 1)
            grouping.kind?.write(to: &writer)
        }
    }

    /// - Parameter isOutermost: categories have no categories.
    init?(from reader: inout StateReader, isOutermost: Bool = true) {
        func number() -> Int? { reader.readNumber().flatMap { Int(exactly: $0) } }
        switch reader.read(UInt8.self) {
        case 1: self = .moments
        case 2:
            guard let precision = number() else { return nil }
            self = .hyperLogLog(precision: precision)
        case 3:
            guard let bits = reader.read(UInt64.self) else { return nil }
            self = .quantiles(accuracy: Double(bitPattern: bits))
        case 4:
            guard let most = number() else { return nil }
            self = .distinct(max: most)
        case 5:
            guard let form = reader.read(UInt8.self).flatMap(EndForm.init), let limit = number() else { return nil }
            self = .ends(form, limit: limit)
        case 6:
            guard let halfLife = reader.read(Int64.self), let weighs = reader.read(UInt8.self) else { return nil }
            self = .decayed(halfLife: halfLife, weighsValues: weighs != 0)
        case 7 where isOutermost:
            guard let column = TileLayout.Column(from: &reader), let most = number(),
                let hasKind = reader.read(UInt8.self)
            else { return nil }
            var kind: StateKind?
            if hasKind != 0 {
                guard let own = StateKind(from: &reader, isOutermost: false) else { return nil }
                kind = own
            }
            self = .groups(Grouping(column: column, kind: kind, maxDistinct: most))
        default: return nil
        }
    }
}
