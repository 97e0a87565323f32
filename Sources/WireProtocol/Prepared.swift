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

    public init(lookupID: UInt32, definitionHash: String, joinKeys: [Field], features: [Feature]) {
        self.lookupID = lookupID
        self.definitionHash = definitionHash
        self.joinKeys = joinKeys
        self.features = features
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
    }
}
