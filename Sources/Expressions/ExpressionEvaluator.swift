import FeatureModel

/// Runs one expression over rows. Holds its registers, so it is made once and used again; owned by one thread at a
/// time.
///
///     registers   constants | temporaries | columns (states only)      `width` values and states each
///     heap        constant strings | strings made for the current rows
public final class ExpressionEvaluator {
    /// How many rows one instruction takes at a time: a usual expression's registers stay in the first-level cache.
    public static let defaultWidth = 256
    /// Beyond this many bytes of made strings fewer rows are taken at a time, down to one. Results do not depend on it.
    private static let heapBytesSoftMax = 16 << 20

    /// An instruction with its operands as numbers of registers.
    struct Step {
        let operation: Operation
        let target: Target
        let a, b, c: Int
        let extra, listCount: Int
    }

    let program: Program
    let heap = StringHeap()
    let sets: [PreparedSet]
    /// The operands of lists, as numbers of registers.
    let lists: [Int]
    /// Where each register's values and states are; a column's values move with the rows.
    let registers: UnsafeMutablePointer<Lanes>
    private let steps: [Step]
    private let width: Int
    private let values: UnsafeMutablePointer<UInt64>
    private let states: UnsafeMutablePointer<UInt8>
    private let firstColumn: Int
    private let result: Int

    /// - Parameter width: how many rows one instruction takes at a time; 1 takes the least memory, for single rows.
    public convenience init(_ expression: CompiledExpression, width: Int = ExpressionEvaluator.defaultWidth) {
        self.init(expression.program, width: max(1, width))
    }

    init(_ program: Program, width: Int) {
        self.program = program
        self.width = width
        let (constantCount, temporaryCount) = (program.constants.count, program.temporaryCount)
        let registerCount = constantCount + temporaryCount + program.columns.count
        let capacity = width * max(1, registerCount)
        let values = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
        let states = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        // Temporaries too: operations read the slots of rows that never got a value.
        values.initialize(repeating: 0, count: capacity)
        states.initialize(repeating: State.value, count: capacity)
        registers = .allocate(capacity: max(1, registerCount))
        for place in 0..<max(1, registerCount) {
            let lanes = Lanes(values: values + place * width, states: states + place * width)
            (registers + place).initialize(to: lanes)
        }
        func number(_ operand: Operand) -> Int {
            switch operand {
            case .constant(let place): place
            case .temporary(let place): constantCount + place
            case .column(let place): constantCount + temporaryCount + place
            case .none: 0
            }
        }
        steps = program.instructions.map { instruction in
            let place = (constantCount + instruction.target) * width
            return Step(
                operation: instruction.operation,
                target: Target(values: values + place, states: states + place),
                a: number(instruction.a),
                b: number(instruction.b),
                c: number(instruction.c),
                extra: instruction.extra,
                listCount: instruction.listCount
            )
        }
        lists = program.lists.map(number)
        result = number(program.result)
        firstColumn = constantCount + temporaryCount
        (self.values, self.states) = (values, states)
        let heap = heap
        sets = program.sets.map { PreparedSet($0, heap) }
        for (place, constant) in program.constants.enumerated() { fill(place, constant) }
        heap.keepConstants()
    }

    deinit {
        registers.deallocate()
        values.deallocate()
        states.deallocate()
    }

    /// Evaluates `rows` of `columns`.
    ///
    /// - Parameters:
    ///   - slots: takes the result of each row, the first of `rows` at 0; 0 where there is no value. A string's slot is
    ///     offset << 32 | length into `strings`.
    ///   - outcomes: takes what became of each row.
    ///   - strings: string results are added at its end; must stay below 4 GiB.
    public func evaluate(
        _ columns: ExpressionColumns,
        rows: Range<Int>,
        slots: UnsafeMutablePointer<UInt64>,
        outcomes: UnsafeMutablePointer<ExpressionOutcome>,
        strings: inout [UInt8]
    ) {
        heap.input = columns.strings
        var row = rows.lowerBound
        var step = width
        while row < rows.upperBound {
            let count = min(step, rows.upperBound - row)
            bind(columns, row, count)
            guard run(count) else {
                step = max(1, count / 2)
                continue
            }
            let done = row - rows.lowerBound
            let out = Output(slots: slots + done, outcomes: outcomes + done)
            out.write(registers[result], program.resultType, count, heap, &strings)
            row += count
        }
        heap.input = UnsafeRawBufferPointer(start: nil, count: 0)
        heap.removeRows()
    }

    private func fill(_ place: Int, _ constant: Constant) {
        let slot: UInt64 =
            switch constant {
            case .null: 0
            case .slot(let slot): slot
            // A constant comes from a text of at most 16 KiB, or was made by an instruction that checked its length.
            case .string(let bytes): heap.make(bytes) ?? 0
            }
        (values + place * width).update(repeating: slot, count: width)
        let state = constant == .null ? State.null : State.value
        (states + place * width).update(repeating: state, count: width)
    }

    /// Points the columns at the rows from `row` on and spreads their null bits to states.
    private func bind(_ source: ExpressionColumns, _ row: Int, _ count: Int) {
        let nulls = source.nulls + row
        for (place, column) in program.columns.enumerated() {
            let register = firstColumn + place
            let target = states + register * width
            registers[register] = Lanes(values: source.columns[column.index] + row, states: target)
            let bit = UInt64(column.index)
            for lane in 0..<count { target[lane] = UInt8(truncatingIfNeeded: nulls[lane] &>> bit & 1) }
        }
    }

    /// - Returns: false when the rows made more strings than they may together; fewer of them must be taken then.
    private func run(_ count: Int) -> Bool {
        heap.removeRows()
        for step in steps {
            execute(step, count)
            if heap.rowBytes > Self.heapBytesSoftMax, count > 1 { return false }
        }
        return true
    }
}
