public import NIOCore

/// ADMIN: the control plane. A verb and a JSON body.
public struct AdminRequest: WireMessage, Hashable {
    public static let type = MessageType.admin

    public var verb: String
    /// JSON; not parsed here.
    public var body: String

    public init(verb: String, body: String = "{}") {
        self.verb = verb
        self.body = body
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        verb = try reader.string("verb")
        self.body = try reader.text("body")
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        try buffer.writeWireString(verb, "verb")
        try buffer.writeWireText(body, "body")
    }
}

/// ADMIN_REPLY: a JSON body.
public struct AdminReply: WireMessage, Hashable {
    public static let type = MessageType.adminReply

    /// JSON; not parsed here.
    public var body: String

    public init(body: String) { self.body = body }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        self.body = try reader.text("body")
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        try buffer.writeWireText(body, "body")
    }
}

/// PING: is the other side there?
public struct Ping: WireMessage, Hashable {
    public static let type = MessageType.ping
    public init() {}
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) { try BodyReader(body).finish() }
    public func writeBody(into buffer: inout ByteBuffer) {}
}

/// PONG: it is.
public struct Pong: WireMessage, Hashable {
    public static let type = MessageType.pong
    public init() {}
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) { try BodyReader(body).finish() }
    public func writeBody(into buffer: inout ByteBuffer) {}
}
