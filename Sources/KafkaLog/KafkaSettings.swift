/// One setting of librdkafka, by its own name.
public struct KafkaSetting: Hashable, Sendable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Settings of librdkafka, verbatim and in order; of two with one name the later one counts.
///
/// They are laid over our defaults (``defaults(for:)``). A few are not open to choice because another value would break
/// the rule that positions are ours and nothing is skipped (``fixed(for:)``).
public struct KafkaSettings: Hashable, Sendable {
    public enum Role: Hashable, Sendable, CaseIterable {
        case consumer
        case producer
    }

    public var entries: [KafkaSetting]

    public init(_ entries: [KafkaSetting] = []) { self.entries = entries }

    public init(_ entries: [(name: String, value: String)]) {
        self.entries = entries.map { KafkaSetting($0.name, $0.value) }
    }

    public init(bootstrapServers: String) { entries = [KafkaSetting("bootstrap.servers", bootstrapServers)] }

    /// Throws what librdkafka itself says about the first unknown name or bad value, or why we refuse the setting.
    /// Makes no connection.
    public func validate(for role: Role = .consumer) throws(KafkaError) {
        _ = try CConfiguration(self, role)
    }

    /// Every setting that is in force with these entries, in librdkafka's order; secrets come as `[redacted]`.
    public func effective(for role: Role = .consumer) throws(KafkaError) -> [KafkaSetting] {
        try CConfiguration(self, role).all()
    }
}
