import FeatureModel

/// Gathers a program: numbers columns, constants and temporaries, and computes at once what is constant.
struct ProgramBuilder {
    private(set) var program = Program()
    private var columnPlaces: [Int: Int] = [:]
    private var constantPlaces: [Constant: Int] = [:]
    private var free: [Int] = []

    mutating func column(_ index: Int, _ type: ValueType) -> Operand {
        if let place = columnPlaces[index] { return .column(place) }
        columnPlaces[index] = program.columns.count
        program.columns.append(Program.Column(index: index, type: type))
        return .column(program.columns.count - 1)
    }

    mutating func constant(_ constant: Constant) -> Operand {
        if let place = constantPlaces[constant] { return .constant(place) }
        constantPlaces[constant] = program.constants.count
        program.constants.append(constant)
        return .constant(program.constants.count - 1)
    }

    func constant(at operand: Operand) -> Constant? {
        guard case .constant(let place) = operand else { return nil }
        return program.constants[place]
    }

    mutating func pattern(_ pattern: LikePattern) -> Int {
        program.patterns.append(pattern)
        return program.patterns.count - 1
    }

    mutating func set(_ set: ConstantSet) -> Int {
        program.sets.append(set)
        return program.sets.count - 1
    }

    /// Adds an instruction and says where its result is. An instruction over constants is computed here, by the same
    /// evaluator that would run it.
    ///
    /// - Parameter list: operands beyond three; `a` is then `.none`.
    mutating func emit(
        _ operation: Operation,
        _ a: Operand,
        _ b: Operand = .none,
        _ c: Operand = .none,
        list: [Operand] = [],
        extra: Int = 0,
        as type: ValueType,
        at offset: Int
    ) throws(ExpressionMistake) -> Operand {
        let operands = ([a, b, c] + list).filter { $0 != .none }
        let constants = operands.compactMap { constant(at: $0) }
        var instruction = Instruction(operation: operation, target: 0, a: a, b: b, c: c, extra: extra)
        guard constants.count < operands.count else {
            let value = try fold(instruction, constants, isList: !list.isEmpty, as: type, at: offset)
            return constant(value)
        }
        instruction.target = allocate()
        if !list.isEmpty {
            instruction.extra = program.lists.count
            instruction.listCount = list.count
            program.lists += list
        }
        program.instructions.append(instruction)
        return .temporary(instruction.target)
    }

    /// Gives temporaries back once nothing reads them any more; other operands are left alone.
    mutating func release(_ operand: Operand) {
        if case .temporary(let place) = operand { free.append(place) }
    }

    mutating func finish(_ result: Operand, _ type: ValueType) -> Program {
        program.result = result
        program.resultType = type
        return program
    }

    private mutating func allocate() -> Int {
        if let place = free.popLast() { return place }
        program.temporaryCount += 1
        return program.temporaryCount - 1
    }

    private func fold(
        _ instruction: Instruction,
        _ constants: [Constant],
        isList: Bool,
        as type: ValueType,
        at offset: Int
    ) throws(ExpressionMistake) -> Constant {
        var small = Program(patterns: program.patterns, sets: program.sets)
        small.constants = constants
        var step = instruction
        let operands = constants.indices.map { Operand.constant($0) }
        if isList {
            (step.extra, step.listCount) = (0, constants.count)
            small.lists = operands
        } else {
            (step.a, step.b, step.c) = (operands[0], .none, .none)
            if operands.count > 1 { step.b = operands[1] }
            if operands.count > 2 { step.c = operands[2] }
        }
        small.instructions = [step]
        small.temporaryCount = 1
        small.result = .temporary(0)
        small.resultType = type
        guard let constant = ExpressionEvaluator(small, width: 1).constant() else {
            throw ExpressionMistake(offset, "this constant overflows: its value does not fit \(type.name)")
        }
        return constant
    }
}
