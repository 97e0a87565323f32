public import NIOCore

/// PREPARE: names the features that later lookups ask for.
public struct PrepareRequest: WireMessage, Hashable {
    public static let type = MessageType.prepare

    public enum Target: Hashable, Sendable {
        /// `name` for the newest version, or `name@2`.
        case service(String)
        /// `view:feature`, 1 to `featuresMax`, in the order of the answer. As the client wrote them.
        case references([String])
    }
    public var target: Target

    public init(_ target: Target) { self.target = target }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        switch try reader.integer("kind", as: UInt8.self) {
        case 1: target = .service(try reader.string("service"))
        case 2: target = .references(try Self.references(&reader, limits))
        case let kind: throw WireError(.badRequest, "PREPARE kind \(kind) is neither 1 (service) nor 2 (references)")
        }
        try reader.finish()
    }

    private static func references(_ reader: inout BodyReader, _ limits: WireLimits) throws(WireError) -> [String] {
        let count = Int(try reader.integer("reference count", as: UInt16.self))
        guard count <= limits.featuresMax else { throw .tooMany(count, "features", max: limits.featuresMax) }
        guard count > 0 else { throw .empty("features") }
        try reader.expect(count, of: 2, "references")
        var references: [String] = []
        references.reserveCapacity(count)
        for _ in 0..<count { references.append(try reader.string("reference")) }
        return references
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        switch target {
        case .service(let name):
            buffer.writeInteger(1, as: UInt8.self)
            try buffer.writeWireString(name, "service")
        case .references(let references):
            guard let count = UInt16(exactly: references.count) else {
                throw .tooMany(references.count, "features", max: Int(UInt16.max))
            }
            buffer.writeInteger(2, as: UInt8.self)
            buffer.writeInteger(count, endianness: .little)
            for reference in references { try buffer.writeWireString(reference, "reference") }
        }
    }

    /// Splits `name@2`; the version is nil in `name`. nil when the name is empty or the version is not a number from 1.
    public static func split(service text: String) -> (name: String, version: Int?)? {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return (String(name), nil) }
        let digits = parts[1]
        guard let version = Int(digits), version >= 1, digits.allSatisfy({ "0"..."9" ~= $0 }) else { return nil }
        return (String(name), version)
    }
}
