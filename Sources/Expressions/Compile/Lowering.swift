import FeatureModel

/// A syntax tree to a program: finds names, checks types, inserts conversions, chooses instructions.
///
/// One pass over the nodes, each after its operands. A node's result is an operand with its type; the type of a bare
/// `null` is open until something beside it decides.
struct Lowering {
    struct Typed {
        var operand: Operand
        /// nil: a null that fits any type.
        var type: ValueType?
        /// Where the text of it begins: the place of a mistake about its type.
        var start: Int
        /// The operands of a chain of `||` that goes on, `operand` being none of them yet. A chain is one instruction:
        /// joining it pair by pair would copy its first part once for every further one.
        var chain: [Operand] = []
    }

    private let tree: SyntaxTree
    private let scope: ExpressionScope
    private let numbering: InputNumbering
    var builder = ProgramBuilder()
    /// Results that no parent has taken yet.
    private var pending: [Typed] = []
    /// Temporaries made for the current node, given back when it is done.
    private var made: [Operand] = []
    private let inputs: [Int]

    init(_ tree: SyntaxTree, _ scope: ExpressionScope, _ numbering: InputNumbering) throws(ExpressionMistake) {
        self.tree = tree
        self.scope = scope
        self.numbering = numbering
        inputs = try Self.inputs(of: tree, scope)
    }

    /// The program, and the indices of the inputs that it reads, ascending.
    mutating func run() throws(ExpressionMistake) -> (program: Program, inputs: [Int]) {
        for node in tree.nodes {
            var operands = Array(pending.suffix(node.range.count))
            pending.removeLast(operands.count)
            made = operands.flatMap { $0.chain + [$0.operand] }
            let goesOn = node.kind == .apply(.concatenate)
            if !goesOn {
                for place in operands.indices { operands[place].operand = try joined(operands[place]) }
            }
            var result = try lower(node, operands)
            result.start = node.start
            // A chain still needs all of its operands.
            for operand in Set(goesOn ? [] : made) where operand != result.operand { builder.release(operand) }
            pending.append(result)
        }
        guard let result = pending.last, let type = result.type else {
            throw ExpressionMistake(0, "this is always null and has no type; write cast(null as float64), for example")
        }
        return (builder.finish(try joined(result), type), inputs)
    }

    private static func inputs(of tree: SyntaxTree, _ scope: ExpressionScope) throws(ExpressionMistake) -> [Int] {
        var found: Set<Int> = []
        for node in tree.nodes {
            guard case .name(let name) = node.kind else { continue }
            guard let index = scope.index(of: name) else {
                throw ExpressionMistake(node.offset, scope.problem(of: name))
            }
            found.insert(index)
        }
        return found.sorted()
    }

    private mutating func lower(_ node: SyntaxTree.Node, _ operands: [Typed]) throws(ExpressionMistake) -> Typed {
        switch node.kind {
        case .literal(let literal): constant(literal)
        case .name(let name): try column(name, at: node.offset)
        case .apply(let operation): try apply(operation, operands, at: node.offset)
        case .call(let function): try call(function, operands, at: node.offset)
        case .cast(let type): try cast(operands[0], to: type, at: node.offset)
        case .choose(let hasOperand, let hasElse):
            try choose(operands, hasOperand: hasOperand, hasElse: hasElse, at: node.offset)
        }
    }

    private mutating func column(_ name: ExpressionName, at offset: Int) throws(ExpressionMistake) -> Typed {
        guard let index = scope.index(of: name) else { throw ExpressionMistake(offset, "unknown name '\(name)'") }
        let type = scope.inputs[index].type
        let place = numbering == .scope ? index : inputs.firstIndex(of: index) ?? index
        guard place < ExpressionColumns.inputCountMax else {
            let limit = ExpressionColumns.inputCountMax
            throw ExpressionMistake(offset, "'\(name)' is input \(place + 1); an expression reads at most \(limit)")
        }
        return typed(builder.column(place, type), type)
    }

    private mutating func constant(_ literal: Literal) -> Typed {
        switch literal {
        case .null: typed(builder.constant(.null), nil)
        case .bool(let value): typed(builder.constant(.slot(value.slot)), .bool)
        case .int64(let value): typed(builder.constant(.slot(value.slot)), .int64)
        case .float64(let value): typed(builder.constant(.slot(value.slot)), .float64)
        case .string(let value): typed(builder.constant(.string(Array(value.utf8))), .string)
        case .timestamp(let value): typed(builder.constant(.slot(value.microseconds.slot)), .timestamp)
        }
    }

    /// Where the value is: of a chain, once it has been joined.
    private mutating func joined(_ value: Typed) throws(ExpressionMistake) -> Operand {
        guard !value.chain.isEmpty else { return value.operand }
        return try emit(.concatenate, .none, list: value.chain, as: .string, at: value.start)
    }

    // MARK: what the other files build with

    func typed(_ operand: Operand, _ type: ValueType?) -> Typed { Typed(operand: operand, type: type, start: 0) }

    /// Adds an instruction; its temporary is given back after the node unless it is the node's result.
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
        let result = try builder.emit(operation, a, b, c, list: list, extra: extra, as: type, at: offset)
        made.append(result)
        return result
    }

    /// The operand in `type`: itself, or an int64 widened to float64.
    mutating func convert(_ value: Typed, to type: ValueType) throws(ExpressionMistake) -> Operand {
        guard value.type == .int64, type == .float64 else { return value.operand }
        return try emit(.intToFloat, value.operand, as: .float64, at: value.start)
    }

    /// The type that all values share: theirs, or float64 for int64 beside float64. nil: all are null.
    ///
    /// - Parameter message: what to say of a value whose type does not fit the type of those before it.
    func commonType(
        _ values: [Typed],
        _ message: (ValueType, ValueType) -> String
    ) throws(ExpressionMistake) -> ValueType? {
        var common: ValueType?
        for value in values {
            guard let type = value.type else { continue }
            guard let before = common, before != type else {
                common = type
                continue
            }
            let isNumeric = before != .string && before != .bool && before != .timestamp
            guard isNumeric, type == .int64 || type == .float64 else {
                throw ExpressionMistake(value.start, message(before, type))
            }
            common = .float64
        }
        return common
    }

    func require(_ value: Typed, _ types: [ValueType], _ what: String) throws(ExpressionMistake) {
        guard let type = value.type, !types.contains(type) else { return }
        let wanted = types.map(\.name).joined(separator: " or ")
        throw ExpressionMistake(value.start, "'\(what)' takes \(wanted), not \(type.name)\(advice(type, for: types))")
    }

    private func advice(_ type: ValueType, for types: [ValueType]) -> String {
        if types == [.string], type == .int64 || type == .bool { return "; write cast(... as string)" }
        if type == .timestamp, types.contains(.int64) { return "; epoch_us(...) is its number of microseconds" }
        return ""
    }
}
