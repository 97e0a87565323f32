public import NIOCore

/// What HELLO may ask for and WELCOME grants, for all later frames in both directions.
public struct ConnectionOptions: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Every frame ends with a checksum.
    public static let checksums = ConnectionOptions(rawValue: 0x01)
    private static let all: ConnectionOptions = [.checksums]

    /// The last field of a greeting; nil where the message ends before it, which older clients' and their servers' do.
    init?(from reader: inout BodyReader) throws(WireError) {
        guard reader.remaining > 0 else { return nil }
        rawValue = try reader.integer("options")
        guard isSubset(of: Self.all) else { throw .unknownBits(rawValue) }
    }
}

/// HELLO: the first frame of a connection.
public struct Hello: WireMessage, Hashable {
    public static let type = MessageType.hello
    /// The bytes `STRD`.
    public static let magic: UInt32 = 0x4452_5453

    public var versionMin: UInt16
    public var versionMax: UInt16
    /// nil for no authentication.
    public var token: String?
    /// For the server's log, such as `strandline-python/0.1`.
    public var clientName: String
    /// nil: the message has none, nor will its WELCOME.
    public var options: ConnectionOptions?

    public init(
        versionMin: UInt16 = WireVersion.current,
        versionMax: UInt16 = WireVersion.current,
        token: String? = nil,
        clientName: String,
        options: ConnectionOptions? = nil
    ) {
        self.versionMin = versionMin
        self.versionMax = versionMax
        self.token = token
        self.clientName = clientName
        self.options = options
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        guard try reader.integer("magic", as: UInt32.self) == Self.magic else {
            throw .malformed("the greeting does not begin with STRD")
        }
        versionMin = try reader.integer("versionMin")
        versionMax = try reader.integer("versionMax")
        let hasToken = try reader.flag("auth")
        let token = try reader.string("token")
        clientName = try reader.string("clientName")
        options = try ConnectionOptions(from: &reader)
        try reader.finish()
        guard versionMin <= versionMax else { throw .malformed("versionMin is greater than versionMax") }
        guard hasToken || token.isEmpty else { throw .malformed("a token without auth 1") }
        self.token = hasToken ? token : nil
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        buffer.writeMultipleIntegers(Self.magic, versionMin, versionMax, endianness: .little)
        buffer.writeInteger(token == nil ? 0 : 1, as: UInt8.self)
        try buffer.writeWireString(token ?? "", "token")
        try buffer.writeWireString(clientName, "clientName")
        if let options { buffer.writeInteger(options.rawValue) }
    }
}

/// WELCOME: the version that both speak, and the limits of the connection.
public struct Welcome: WireMessage, Hashable {
    public static let type = MessageType.welcome

    public var version: UInt16
    public var limits: WireLimits
    public var serverName: String
    /// What is in force from now on; nil where HELLO had none.
    public var options: ConnectionOptions?

    public init(
        version: UInt16 = WireVersion.current,
        limits: WireLimits = .standard,
        serverName: String,
        options: ConnectionOptions? = nil
    ) {
        self.version = version
        self.limits = limits
        self.serverName = serverName
        self.options = options
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        version = try reader.integer("version")
        self.limits = WireLimits(
            frameSizeMax: Int(try reader.integer("frameSizeMax", as: UInt32.self)),
            entitiesMax: Int(try reader.integer("entitiesMax", as: UInt32.self)),
            featuresMax: Int(try reader.integer("featuresMax", as: UInt16.self)),
            rowsMax: Int(try reader.integer("rowsMax", as: UInt32.self))
        )
        serverName = try reader.string("serverName")
        options = try ConnectionOptions(from: &reader)
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard let frameSizeMax = UInt32(exactly: limits.frameSizeMax),
            let entitiesMax = UInt32(exactly: limits.entitiesMax),
            let featuresMax = UInt16(exactly: limits.featuresMax),
            let rowsMax = UInt32(exactly: limits.rowsMax)
        else { throw WireError(.badRequest, "a limit does not fit its field in WELCOME") }
        buffer.writeMultipleIntegers(version, frameSizeMax, entitiesMax, featuresMax, rowsMax, endianness: .little)
        try buffer.writeWireString(serverName, "serverName")
        if let options { buffer.writeInteger(options.rawValue) }
    }
}
