import FeatureModel

/// A constant as it was written.
enum Literal: Hashable, Sendable {
    case null
    case bool(Bool)
    case int64(Int64)
    case float64(Double)
    case string(String)
    case timestamp(Instant)
}

/// A parsed expression: its nodes in one array, every node after its operands, the root last.
///
///     amount * (1 - discount)      0 amount   1 `1`   2 discount   3 - (1, 2)   4 * (0, 3)
///
/// So whatever is computed over a tree is one loop over the array: nothing recurses over what came from outside.
struct SyntaxTree: Sendable {
    enum Kind: Hashable, Sendable {
        case literal(Literal)
        case name(ExpressionName)
        case apply(Operator)
        case call(Function)
        case cast(ValueType)
        /// Operands: the compared value if any, condition and result of each branch, the `else` result if any.
        case choose(hasOperand: Bool, hasElse: Bool)
    }

    struct Node: Sendable {
        let kind: Kind
        /// Where its operator or its first letter stands, in bytes from the start of the text.
        let offset: Int
        /// Where its text begins.
        let start: Int
        /// Its operands' place in `operands`.
        let range: Range<Int>
    }

    private(set) var nodes: [Node] = []
    private(set) var operands: [Int] = []

    /// - Parameter start: where the node's text begins; nil: at its first operand, or at `offset` without one.
    mutating func append(_ kind: Kind, _ nodeOperands: [Int] = [], at offset: Int, start: Int? = nil) -> Int {
        let first = nodeOperands.first.map { nodes[$0].start } ?? offset
        let range = operands.count..<(operands.count + nodeOperands.count)
        operands += nodeOperands
        nodes.append(Node(kind: kind, offset: offset, start: start ?? min(first, offset), range: range))
        return nodes.count - 1
    }

    func operands(of node: Node) -> ArraySlice<Int> { operands[node.range] }
}
