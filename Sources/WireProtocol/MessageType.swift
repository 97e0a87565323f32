/// What a frame carries. Raw values are on the wire: never renumber.
@frozen
public enum MessageType: UInt8, Hashable, Sendable, CaseIterable {
    case hello = 0x01
    case welcome = 0x02
    case error = 0x03
    case prepare = 0x10
    case prepared = 0x11
    case lookup = 0x12
    case values = 0x13
    case rows = 0x14
    case columns = 0x15
    case historyPage = 0x18
    case historyPageReply = 0x19
    case admin = 0x20
    case adminReply = 0x21
    case ping = 0x30
    case pong = 0x31

    /// True for messages that a client sends; a server answers every other one with `UNKNOWN_MESSAGE`.
    @inlinable
    public var isFromClient: Bool {
        switch self {
        case .hello, .prepare, .lookup, .rows, .historyPage, .admin, .ping: true
        case .welcome, .error, .prepared, .values, .columns, .historyPageReply, .adminReply, .pong: false
        }
    }
}
