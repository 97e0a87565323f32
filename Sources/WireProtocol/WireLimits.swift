/// The limits of a connection. The server tells them in WELCOME; counts are checked against them before anything is
/// allocated.
public struct WireLimits: Hashable, Sendable {
    /// The greatest value of a frame's size field, in bytes, in either direction.
    public var frameSizeMax: Int
    /// Entities in a LOOKUP.
    public var entitiesMax: Int
    /// Features in a PREPARE.
    public var featuresMax: Int
    /// Rows in a ROWS.
    public var rowsMax: Int

    public init(
        frameSizeMax: Int = 16 << 20,
        entitiesMax: Int = 10_000,
        featuresMax: Int = 1000,
        rowsMax: Int = 65_536
    ) {
        self.frameSizeMax = frameSizeMax
        self.entitiesMax = entitiesMax
        self.featuresMax = featuresMax
        self.rowsMax = rowsMax
    }

    /// The limits of protocol version 1.
    public static let standard = WireLimits()
}

/// What is fixed by the protocol rather than told in WELCOME.
public enum WireVersion {
    /// The protocol version of this build.
    public static let current: UInt16 = 1
    /// The port when none is given.
    public static let portDefault = 6567
    /// The greatest value of a frame's size field before WELCOME, in bytes.
    public static let frameSizeMaxBeforeWelcome = 4096
    /// Prepared lookups that a connection may hold.
    public static let preparedLookupsMax = 256
    /// Requests that a connection may leave unanswered; beyond it the server stops reading.
    public static let requestsInFlightMax = 1024
}
