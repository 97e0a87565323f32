// The bytes that a definition hash is taken over. Version 1:
//
//   text      length in bytes, 8 bytes big-endian | UTF-8 bytes
//   integer   8 bytes big-endian, two's complement
//   list      number of elements, as an integer | the elements
//   optional  00 when nil; 01 | the value
//   choice    one byte for the case (given below) | what the case carries
//
// Every part ends where its own bytes say, so no two different definitions run together to the same bytes. Names that
// Swift may rename (cases, properties) do not enter; words that YAML fixes (`sum`, `epoch_ms`) do. Golden values in the
// tests hold the format in place: changing it makes every applied definition look changed.

internal import FeatureModel

struct CanonicalBytes {
    private(set) var bytes: [UInt8] = []

    /// - Parameter domain: what is being hashed, so that a view never has the hash of a service.
    init(domain: String) { text("strandline \(domain) 1") }

    mutating func integer(_ value: Int64) { withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) } }

    mutating func text(_ text: String) {
        integer(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func list<Element>(_ elements: [Element], _ body: (inout CanonicalBytes, Element) -> Void) {
        integer(Int64(elements.count))
        for element in elements { body(&self, element) }
    }

    mutating func optional<Value>(_ value: Value?, _ body: (inout CanonicalBytes, Value) -> Void) {
        bytes.append(value == nil ? 0 : 1)
        if let value { body(&self, value) }
    }

    mutating func choice(_ byte: UInt8) { bytes.append(byte) }

    mutating func field(_ field: Field) {
        text(field.name)
        choice(field.type.rawValue)
    }

    /// Join keys keep their order: it is the order of the bytes of a key.
    mutating func entity(_ entity: Entity) {
        text(entity.name)
        list(entity.joinKeys) { $0.field($1) }
    }

    /// - Parameter columns: the columns of the schema to cover; nil for all.
    mutating func source(_ source: Source, columns: Set<String>?) {
        text(source.name)
        text(source.topic)
        text(source.timestampField)
        text(source.timestampFormat.rawValue)
        switch source.start {
        case .earliest: choice(1)
        case .latest: choice(2)
        case .time(let instant):
            choice(3)
            integer(instant.microseconds)
        }
        integer(source.maxFuture)
        integer(Int64(source.recordBytesMax))
        // Nothing at all where a source has none: definitions from before there were these keep their hashes.
        if let envelope = source.envelope {
            text("envelope")
            text(envelope.rawValue)
        }
        if let format = source.keyFormat {
            text("key_format")
            text(format.rawValue)
        }
        if let field = source.eventID {
            text("event_id")
            text(field)
        }
        let covered = columns.map { columns in source.schema.filter { columns.contains($0.name) } } ?? source.schema
        list(covered.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) { $0.field($1) }
    }

    mutating func history(_ history: HistoryLength) {
        switch history {
        case .forever: choice(1)
        case .microseconds(let length):
            choice(2)
            integer(length)
        }
    }

    /// Nothing at all for a view without filter and derived columns: its hash stays what it was before there were any.
    mutating func expressions(of view: some EventView) {
        if let filter = view.filter {
            text("filter")
            text(filter.text)
        }
        for column in view.columns.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            text("column")
            text(column.name)
            text(column.expression.text)
        }
    }

    mutating func attribute(_ attribute: Attribute) {
        text(attribute.name)
        text(attribute.column)
    }

    mutating func aggregation(_ aggregation: Aggregation) {
        text(aggregation.name)
        text(aggregation.function.rawValue)
        parameters(aggregation.parameters)
        optional(aggregation.column) { $0.text($1) }
        // Nothing at all without it, as with parameters.
        if let category = aggregation.groupBy {
            text("group_by")
            text(category)
        }
        switch aggregation.timeWindow {
        case .lifetime: choice(1)
        case .sliding(let length):
            choice(2)
            integer(length)
        case .events(let count):
            choice(3)
            integer(Int64(count))
        case .series(let count, let step):
            choice(4)
            integer(Int64(count))
            integer(step)
        }
        integer(aggregation.offset)
        optional(aggregation.defaultValue) { $0.value($1) }
    }

    /// Nothing at all where a function has none: definitions from before there were parameters keep their hashes. A
    /// parameter is its name and its value, in the order of the YAML keys.
    mutating func parameters(_ parameters: FunctionParameters) {
        func bits(_ number: Double) -> Int64 { Int64(bitPattern: number.bitPattern) }
        let given: [(String, Int64?)] = [
            ("n", parameters.n.map { Int64($0) }), ("percentile", parameters.percentile.map(bits)),
            ("accuracy", parameters.accuracy.map(bits)), ("precision", parameters.precision.map { Int64($0) }),
            ("half_life", parameters.halfLife), ("max_distinct", parameters.maxDistinct.map { Int64($0) }),
            ("max_groups", parameters.maxGroups.map { Int64($0) }),
        ]
        for (name, value) in given {
            guard let value else { continue }
            text(name)
            integer(value)
        }
    }

    /// A derived feature with what its names stand for. `feature` adds a feature that it reads.
    ///
    /// - Returns: false when `feature` could not add one.
    mutating func derived(
        _ derived: DerivedFeature,
        _ feature: (inout CanonicalBytes, FeatureReference) -> Bool
    ) -> Bool {
        text(derived.name)
        text(derived.text)
        integer(Int64(derived.inputs.count))
        for input in derived.inputs {
            optional(input.qualifier) { $0.text($1) }
            text(input.name)
            switch input.origin {
            case .request:
                choice(1)
                choice(input.type.rawValue)
            case .feature(let reference):
                choice(2)
                guard feature(&self, reference) else { return false }
            }
        }
        return true
    }

    mutating func value(_ value: FeatureValue) {
        switch value {
        case .null: choice(0)
        case .int64(let number):
            choice(ValueType.int64.rawValue)
            integer(number)
        case .float64(let number):
            choice(ValueType.float64.rawValue)
            integer(Int64(bitPattern: number.bitPattern))
        case .string(let string):
            choice(ValueType.string.rawValue)
            text(string)
        case .bool(let bool):
            choice(ValueType.bool.rawValue)
            choice(bool ? 1 : 0)
        case .timestamp(let instant):
            choice(ValueType.timestamp.rawValue)
            integer(instant.microseconds)
        case .list, .map:
            // No default is one.
            break
        }
    }
}
