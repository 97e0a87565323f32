public import FeatureModel
public import NIOCore

/// PREPARED: what a prepared lookup takes and gives.
public struct PreparedReply: WireMessage, Hashable {
    public static let type = MessageType.prepared

    public struct Feature: Hashable, Sendable {
        /// `view:feature`.
        public var reference: String
        public var type: FeatureType
        public init(reference: String, type: FeatureType) {
            self.reference = reference
            self.type = type
        }
    }

    /// Names the lookup on this connection.
    public var lookupID: UInt32
    /// SHA-256 of the definitions, in hexadecimal.
    public var definitionHash: String
    /// In the order in which their values stand in an entity key.
    public var joinKeys: [Field]
    /// In the order of the answers.
    public var features: [Feature]
    /// What a LOOKUP or ROWS brings along for each entity or row, in order; not in the message where there is nothing.
    public var request: [Field]

    public init(
        lookupID: UInt32,
        definitionHash: String,
        joinKeys: [Field],
        features: [Feature],
        request: [Field] = []
    ) {
        self.lookupID = lookupID
        self.definitionHash = definitionHash
        self.joinKeys = joinKeys
        self.features = features
        self.request = request
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        lookupID = try reader.integer("lookupID")
        definitionHash = try reader.string("definitionHash")
        let joinKeyCount = Int(try reader.integer("join key count", as: UInt8.self))
        try reader.expect(joinKeyCount, of: 3, "join keys")
        joinKeys = []
        for _ in 0..<joinKeyCount {
            let name = try reader.string("join key")
            joinKeys.append(Field(name: name, type: try reader.valueType("join key type")))
        }
        let featureCount = Int(try reader.integer("feature count", as: UInt16.self))
        try reader.expect(featureCount, of: 3, "features")
        features = []
        features.reserveCapacity(featureCount)
        for _ in 0..<featureCount {
            let reference = try reader.string("reference")
            features.append(Feature(reference: reference, type: try reader.featureType("feature type")))
        }
        request = []
        guard reader.remaining > 0 else { return }
        let requestCount = Int(try reader.integer("request field count", as: UInt8.self))
        guard requestCount > 0 else { throw .malformed("a list of request fields without one") }
        try reader.expect(requestCount, of: 3, "request fields")
        for _ in 0..<requestCount {
            let name = try reader.string("request field")
            request.append(Field(name: name, type: try reader.valueType("request field type")))
        }
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard let joinKeyCount = UInt8(exactly: joinKeys.count) else {
            throw .tooMany(joinKeys.count, "join keys", max: Int(UInt8.max))
        }
        guard let featureCount = UInt16(exactly: features.count) else {
            throw .tooMany(features.count, "features", max: Int(UInt16.max))
        }
        buffer.writeInteger(lookupID, endianness: .little)
        try buffer.writeWireString(definitionHash, "definitionHash")
        buffer.writeInteger(joinKeyCount)
        for key in joinKeys {
            try buffer.writeWireString(key.name, "join key")
            buffer.writeInteger(key.type.rawValue)
        }
        buffer.writeInteger(featureCount, endianness: .little)
        for feature in features {
            try buffer.writeWireString(feature.reference, "reference")
            buffer.writeInteger(feature.type.rawValue)
        }
        guard !request.isEmpty else { return }
        guard let requestCount = UInt8(exactly: request.count) else {
            throw .tooMany(request.count, "request fields", max: Int(UInt8.max))
        }
        buffer.writeInteger(requestCount)
        for field in request {
            try buffer.writeWireString(field.name, "request field")
            buffer.writeInteger(field.type.rawValue)
        }
    }
}
