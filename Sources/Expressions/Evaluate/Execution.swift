import FeatureModel

extension ExpressionEvaluator {
    /// Runs one instruction over the first `count` rows of its registers.
    func execute(_ step: Step, _ count: Int) {
        let a = registers[step.a]
        let b = registers[step.b]
        let out = step.target
        let operation = step.operation
        switch operation {
        case .intToFloat: Kernel.map(a, out, count) { (value: Int64) in Double(value) }
        case .intToBool: Kernel.map(a, out, count) { (value: Int64) in value != 0 }
        case .intToString: Kernel.toString(a, out, count, heap) { String(Int64(slot: $0)) }
        case .floatToInt: Kernel.floatToInt(a, out, count)
        case .floatToBool: Kernel.map(a, out, count) { (value: Double) in value != 0 }
        case .boolToInt: Kernel.map(a, out, count) { (value: Bool) -> Int64 in value ? 1 : 0 }
        case .boolToFloat: Kernel.map(a, out, count) { (value: Bool) -> Double in value ? 1 : 0 }
        case .boolToString: Kernel.toString(a, out, count, heap) { Bool(slot: $0) ? "true" : "false" }

        case .addInt: Kernel.addInt(a, b, out, count)
        case .subtractInt: Kernel.subtractInt(a, b, out, count)
        case .multiplyInt: Kernel.multiplyInt(a, b, out, count)
        case .divideInt: Kernel.divideInt(a, b, out, count)
        case .moduloInt: Kernel.moduloInt(a, b, out, count)
        case .negateInt: Kernel.negateInt(a, out, count)
        case .absInt: Kernel.absInt(a, out, count)
        case .signInt: Kernel.map(a, out, count) { (value: Int64) -> Int64 in value.signum() }

        case .addFloat: Kernel.zipFinite(a, b, out, count) { $0 + $1 }
        case .subtractFloat: Kernel.zipFinite(a, b, out, count) { $0 - $1 }
        case .multiplyFloat: Kernel.zipFinite(a, b, out, count) { $0 * $1 }
        case .divideFloat: Kernel.divideFloat(a, b, out, count)
        case .moduloFloat: Kernel.moduloFloat(a, b, out, count)
        case .negateFloat: Kernel.map(a, out, count) { (value: Double) in -value }
        case .absFloat: Kernel.map(a, out, count) { (value: Double) in value.magnitude }
        case .signFloat: Kernel.map(a, out, count) { (value: Double) -> Int64 in value > 0 ? 1 : value < 0 ? -1 : 0 }
        case .sqrt: Kernel.sqrt(a, out, count)
        case .floor: Kernel.map(a, out, count) { (value: Double) in value.exactFloor }
        case .ceil: Kernel.map(a, out, count) { (value: Double) in value.exactCeiling }
        case .trunc: Kernel.map(a, out, count) { (value: Double) in value.exactTruncation }
        case .round: Kernel.map(a, out, count) { (value: Double) in value.exactRounding }
        case .roundDigits: Kernel.roundDigits(a, step.extra, out, count)

        case .equalInt: Kernel.zip(a, b, out, count) { (left: Int64, right: Int64) in left == right }
        case .notEqualInt: Kernel.zip(a, b, out, count) { (left: Int64, right: Int64) in left != right }
        case .lessInt: Kernel.zip(a, b, out, count) { (left: Int64, right: Int64) in left < right }
        case .lessOrEqualInt: Kernel.zip(a, b, out, count) { (left: Int64, right: Int64) in left <= right }
        case .notDistinctInt: Kernel.notDistinct(a, b, out, count) { $0 == $1 }
        case .greatestInt: Kernel.extreme(a, b, out, count) { Int64(slot: $0) < Int64(slot: $1) }
        case .leastInt: Kernel.extreme(a, b, out, count) { Int64(slot: $0) > Int64(slot: $1) }
        case .equalFloat: Kernel.zip(a, b, out, count) { (left: Double, right: Double) in left == right }
        case .notEqualFloat: Kernel.zip(a, b, out, count) { (left: Double, right: Double) in left != right }
        case .lessFloat: Kernel.zip(a, b, out, count) { (left: Double, right: Double) in left < right }
        case .lessOrEqualFloat: Kernel.zip(a, b, out, count) { (left: Double, right: Double) in left <= right }
        case .notDistinctFloat: Kernel.notDistinct(a, b, out, count) { Double(slot: $0) == Double(slot: $1) }
        case .greatestFloat: Kernel.extreme(a, b, out, count) { Double(slot: $0) < Double(slot: $1) }
        case .leastFloat: Kernel.extreme(a, b, out, count) { Double(slot: $0) > Double(slot: $1) }
        case .equalString, .notEqualString, .lessString, .lessOrEqualString, .notDistinctString, .greatestString,
            .leastString:
            Kernel.compareStrings(operation, a, b, out, count, heap)
        case .isInInts, .isInFloats, .isInStrings:
            Kernel.isIn(a, sets[step.extra], out, count, heap)

        case .and: Kernel.and(a, b, out, count)
        case .or: Kernel.or(a, b, out, count)
        case .not: Kernel.map(a, out, count) { (value: Bool) in !value }
        case .isNull: Kernel.isNull(a, out, count, isNegated: false)
        case .isNotNull: Kernel.isNull(a, out, count, isNegated: true)
        case .select: Kernel.select(a, b, registers[step.c], out, count)
        case .coalesce: Kernel.coalesce(a, b, out, count)
        case .nullWhere: Kernel.nullWhere(a, b, out, count)

        case .concatenate:
            let range = step.extra..<(step.extra + step.listCount)
            Kernel.concatenate(lists[range], registers, out, count, heap)
        case .length: Kernel.length(a, out, count, heap)
        case .lower: Kernel.mapCase(a, .lower, out, count, heap)
        case .upper: Kernel.mapCase(a, .upper, out, count, heap)
        case .startsWith, .endsWith, .contains: Kernel.testStrings(operation, a, b, out, count, heap)
        case .substringFrom: Kernel.substring(a, b, nil, out, count, heap)
        case .substring: Kernel.substring(a, b, registers[step.c], out, count, heap)
        case .like: Kernel.like(a, program.patterns[step.extra], out, count, heap)

        case .year, .quarter, .month, .dayOfMonth, .dayOfYear, .dayOfWeek, .isoDayOfWeek, .hour, .minute, .second:
            Kernel.timePart(operation, a, out, count)
        case .truncateToSecond, .truncateToMinute, .truncateToHour, .truncateToDay, .truncateToWeek, .truncateToMonth,
            .truncateToQuarter, .truncateToYear:
            Kernel.truncate(operation, a, out, count)
        }
    }
}
