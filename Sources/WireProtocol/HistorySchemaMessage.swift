public import FeatureModel
internal import NIOCore

/// What the columns of a history's pages are. Equal on every page of one export, or the definitions changed meanwhile.
///
///   viewHash string | source string | filter text | eventID string | join keys u8: name string, type u8 ... |
///   columns u16: name string, stored text, type u8 ...
public struct HistorySchemaMessage: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        /// The view's name for it.
        public var name: String
        /// A field of the source, or `= ` and an expression's text.
        public var stored: String
        public var type: ValueType

        public init(name: String, stored: String, type: ValueType) {
            self.name = name
            self.stored = stored
            self.type = type
        }
    }

    /// Of the view with all that its values depend on.
    public var viewHash: String
    public var source: String
    /// Empty where the view has none.
    public var filter: String
    /// The field that tells duplicates apart; empty where there is none.
    public var eventID: String
    public var joinKeys: [Field]
    public var columns: [Column]

    public init(
        viewHash: String,
        source: String,
        filter: String,
        eventID: String,
        joinKeys: [Field],
        columns: [Column]
    ) {
        self.viewHash = viewHash
        self.source = source
        self.filter = filter
        self.eventID = eventID
        self.joinKeys = joinKeys
        self.columns = columns
    }

    init(_ reader: inout BodyReader) throws(WireError) {
        viewHash = try reader.string("viewHash")
        source = try reader.string("source")
        filter = try reader.text("filter")
        eventID = try reader.string("eventID")
        joinKeys = []
        for _ in 0..<Int(try reader.integer("join keys", as: UInt8.self)) {
            let name = try reader.string("join key")
            let type = try reader.valueType("join key type")
            guard type == .int64 || type == .string else { throw .malformed("a join key of type \(type.name)") }
            joinKeys.append(Field(name: name, type: type))
        }
        columns = []
        let count = Int(try reader.integer("columns", as: UInt16.self))
        try reader.expect(count, of: 7, "columns")
        for _ in 0..<count {
            let (name, stored) = (try reader.string("column"), try reader.text("stored column"))
            columns.append(Column(name: name, stored: stored, type: try reader.valueType("column type")))
        }
    }

    func write(into buffer: inout ByteBuffer) throws(WireError) {
        guard let keyCount = UInt8(exactly: joinKeys.count), let count = UInt16(exactly: columns.count) else {
            throw .tooMany(max(joinKeys.count, columns.count), "columns", max: Int(UInt16.max))
        }
        try buffer.writeWireString(viewHash, "viewHash")
        try buffer.writeWireString(source, "source")
        try buffer.writeWireText(filter, "filter")
        try buffer.writeWireString(eventID, "eventID")
        buffer.writeInteger(keyCount)
        for key in joinKeys {
            try buffer.writeWireString(key.name, "join key")
            buffer.writeInteger(key.type.rawValue)
        }
        buffer.writeInteger(count, endianness: .little)
        for column in columns {
            try buffer.writeWireString(column.name, "column")
            try buffer.writeWireText(column.stored, "stored column")
            buffer.writeInteger(column.type.rawValue)
        }
    }
}
