import ArgumentParser
import Expressions
import FeatureModel
import FoundationEssentials
import Glibc

/// An expression by hand: the check that is made of it before any row is read, and its value for rows of JSON, through
/// the code that runs over a store's rows.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Check an expression, or evaluate it for rows of JSON.",
        discussion: """
            Examples:
              strandline evaluate 'amount * (1 - discount)' \\
                  --schema amount=float64,discount=float64
              strandline evaluate "city in ('Ghent', 'Bruges')" \\
                  --schema city=string --rows orders.jsonl
              strandline evaluate 'request.amount > 3 * amount' \\
                  --schema amount=int64,request.amount=int64 --rows -

            Without --rows it prints the result's type and the expression's canonical
            text. With --rows it prints one JSON value a row: the value, null, or
            {"error":"overflow"}. Fields that are absent are null; fields that --schema
            does not name are skipped. An expression that begins with a minus sign goes
            behind --.
            docs/expressions.md describes the language.
            """
    )

    @Argument(help: "The expression.")
    var expression: String

    @Option(
        help:
            "The names that it may use: name=type, separated by commas. Types: int64, float64, string, bool, timestamp."
    )
    var schema = ""

    @Option(help: "A file of JSON objects, one a line; - reads standard input.")
    var rows: String?

    mutating func run() throws {
        let inputs = try readSchema()
        let compiled: CompiledExpression
        do throws(ExpressionMistake) {
            compiled = try ParsedExpression(expression).compile(in: ExpressionScope(inputs))
        } catch {
            throw Failure(.usage, "\(error)\n\(error.marked(in: expression))")
        }
        guard let rows else {
            print("type=\(compiled.resultType.name)")
            print("canonical=\(compiled.canonicalText)")
            return
        }
        try evaluate(compiled, inputs, rows)
    }

    private func readSchema() throws -> [ExpressionScope.Input] {
        try schema.split(separator: ",").map { part in
            guard let equals = part.lastIndex(of: "=") else {
                throw Failure(.usage, "--schema: '\(part)' is not name=type, for example amount=float64")
            }
            let (text, word) = (String(part[..<equals]), String(part[part.index(after: equals)...]))
            guard let type = ValueType(name: word) else {
                let types = ValueType.allCases.map(\.name)
                throw Failure(
                    .usage,
                    "--schema: unknown type '\(word)'\(hint(for: word, among: types, title: "types"))"
                )
            }
            // A name is written as in an expression: bare, quoted or dotted.
            guard let parsed = try? ParsedExpression(text), let name = parsed.names.first,
                parsed.canonicalText == name.description
            else { throw Failure(.usage, "--schema: '\(text)' is not a name; put it in double quotes") }
            return ExpressionScope.Input(name, type)
        }
    }

    private func evaluate(_ compiled: CompiledExpression, _ inputs: [ExpressionScope.Input], _ path: String) throws {
        guard let input = path == "-" ? fdopen(STDIN_FILENO, "r") : fopen(path, "r") else {
            throw Failure(.failed, "\(path): cannot be read")
        }
        defer { fclose(input) }
        let evaluator = ExpressionEvaluator(compiled)
        var batch = RowBatch(inputs)
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        var number = 0
        while true {
            let count = getline(&line, &capacity, input)
            guard count > 0, let line else { break }
            number += 1
            let bytes = UnsafeRawBufferPointer(start: line, count: count)
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }) { continue }
            do { try batch.append(Data(bytes)) } catch let mistake as RowMistake {
                throw Failure(.usage, "\(path): line \(number): \(mistake.message)")
            }
            if batch.count == RowBatch.rowsMax { printResults(evaluator, compiled.resultType, &batch) }
        }
        printResults(evaluator, compiled.resultType, &batch)
    }

    private func printResults(_ evaluator: ExpressionEvaluator, _ type: ValueType, _ batch: inout RowBatch) {
        let count = batch.count
        var slots = [UInt64](repeating: 0, count: count)
        var outcomes = [ExpressionOutcome](repeating: .null, count: count)
        var strings: [UInt8] = []
        batch.withColumns { columns in
            slots.withUnsafeMutableBufferPointer { slots in
                outcomes.withUnsafeMutableBufferPointer { outcomes in
                    guard let slots = slots.baseAddress, let outcomes = outcomes.baseAddress else { return }
                    evaluator.evaluate(columns, rows: 0..<count, slots: slots, outcomes: outcomes, strings: &strings)
                }
            }
        }
        for row in 0..<count {
            switch outcomes[row] {
            case .null: print("null")
            case .overflow: print("{\"error\":\"overflow\"}")
            case .value: print(value(slots[row], type, strings).json)
            }
        }
        batch.removeAll()
    }

    private func value(_ slot: UInt64, _ type: ValueType, _ strings: [UInt8]) -> FeatureValue {
        switch type {
        case .int64: return .int64(Int64(bitPattern: slot))
        case .float64: return .float64(Double(bitPattern: slot))
        case .bool: return .bool(slot != 0)
        case .timestamp: return .timestamp(Instant(microseconds: Int64(bitPattern: slot)))
        case .string:
            let start = Int(slot >> 32)
            return .string(String(decoding: strings[start..<(start + Int(slot & 0xffff_ffff))], as: UTF8.self))
        }
    }
}

private struct RowMistake: Error {
    let message: String
}

/// Rows of JSON as columns of slots.
private struct RowBatch {
    static let rowsMax = 1000

    private let inputs: [ExpressionScope.Input]
    private var columns: [[UInt64]]
    private var nulls: [UInt64] = []
    private var strings: [UInt8] = []

    init(_ inputs: [ExpressionScope.Input]) {
        self.inputs = inputs
        columns = inputs.map { _ in [] }
    }

    var count: Int { nulls.count }

    mutating func removeAll() { self = RowBatch(inputs) }

    mutating func append(_ line: Data) throws {
        guard let fields = try? JSONDecoder().decode(Fields.self, from: line) else {
            throw RowMistake(message: "not a JSON object")
        }
        var null: UInt64 = 0
        for (index, input) in inputs.enumerated() {
            let slot = try slot(of: input, in: fields.container)
            columns[index].append(slot ?? 0)
            if slot == nil, index < ExpressionColumns.inputCountMax { null |= 1 << UInt64(index) }
        }
        nulls.append(null)
    }

    /// nil for null.
    private mutating func slot(
        of input: ExpressionScope.Input,
        in container: KeyedDecodingContainer<Fields.Name>
    ) throws -> UInt64? {
        let name = (input.name.qualifier.map { $0 + "." } ?? "") + input.name.name
        let key = Fields.Name(stringValue: name)
        guard container.contains(key), (try? container.decodeNil(forKey: key)) != true else { return nil }
        do {
            switch input.type {
            case .int64: return UInt64(bitPattern: try container.decode(Int64.self, forKey: key))
            // As ingest stores it: equal numbers have equal bits.
            case .float64: return (try container.decode(Double.self, forKey: key) + 0).bitPattern
            case .bool: return try container.decode(Bool.self, forKey: key) ? 1 : 0
            case .timestamp:
                if let number = try? container.decode(Int64.self, forKey: key) { return UInt64(bitPattern: number) }
                guard let instant = Instant(iso8601: try container.decode(String.self, forKey: key)) else { break }
                return UInt64(bitPattern: instant.microseconds)
            case .string:
                let text = try container.decode(String.self, forKey: key).utf8
                defer { strings += text }
                return UInt64(strings.count) << 32 | UInt64(text.count)
            }
        } catch {}
        let form = input.type == .timestamp ? " (ISO 8601 text or microseconds)" : ""
        throw RowMistake(message: "field '\(name)' is not \(input.type.name)\(form)")
    }

    /// Lends the rows.
    func withColumns(_ body: (ExpressionColumns) -> Void) {
        // One block: every column has the same length, so a column's place in it is known.
        let block = columns.flatMap { $0 }
        block.withUnsafeBufferPointer { slots in
            nulls.withUnsafeBufferPointer { nulls in
                strings.withUnsafeBytes { strings in
                    guard let nullWords = nulls.baseAddress else { return }
                    let first = slots.baseAddress ?? nullWords
                    let pointers = inputs.indices.map { first + $0 * nulls.count }
                    body(ExpressionColumns(columns: pointers, nulls: nullWords, strings: strings))
                }
            }
        }
    }

    private struct Fields: Decodable {
        struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { return nil }
        }

        var container: KeyedDecodingContainer<Name>
        init(from decoder: any Decoder) throws { container = try decoder.container(keyedBy: Name.self) }
    }
}
