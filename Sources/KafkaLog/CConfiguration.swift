import CRdKafka

/// A `rd_kafka_conf_t` and its free.
struct CConfiguration: ~Copyable {
    let pointer: OpaquePointer

    /// Lays defaults, the user's entries and the fixed ones over each other.
    init(_ settings: KafkaSettings, _ role: KafkaSettings.Role) throws(KafkaError) {
        pointer = rd_kafka_conf_new()
        for setting in KafkaSettings.defaults(for: role) { try set(setting) }
        for setting in settings.entries {
            try Self.checkAllowed(setting, role)
            try set(setting)
        }
        for setting in KafkaSettings.fixed(for: role) { try set(setting) }
    }

    deinit { rd_kafka_conf_destroy(pointer) }

    /// Gives the pointer away; it is not freed here any more.
    consuming func take() -> OpaquePointer {
        let result = pointer
        discard self
        return result
    }

    private static func checkAllowed(_ setting: KafkaSetting, _ role: KafkaSettings.Role) throws(KafkaError) {
        if let refused = KafkaSettings.refused.first(where: { $0.name == setting.name }) {
            throw KafkaError(code: .invalidArgument, message: "\(refused.name) is refused: \(refused.reason)")
        }
        if let fixed = KafkaSettings.fixed(for: role).first(where: { $0.name == setting.name }), fixed != setting {
            let message = "\(fixed.name) must be \(fixed.value) here, not \(setting.value)"
            throw KafkaError(code: .invalidArgument, message: message)
        }
    }

    private func set(_ setting: KafkaSetting) throws(KafkaError) {
        let (result, text) = withErrorText { rd_kafka_conf_set(pointer, setting.name, setting.value, $0, $1) }
        guard result == RD_KAFKA_CONF_OK else { throw KafkaError(code: .invalidArgument, message: text) }
    }

    func all() -> [KafkaSetting] { Self.all(in: pointer) }

    /// All settings in a configuration, those that stand for every topic last.
    static func all(in pointer: OpaquePointer) -> [KafkaSetting] {
        var count = 0
        var settings = pairs(rd_kafka_conf_dump(pointer, &count), count)
        if let topics = rd_kafka_conf_get_default_topic_conf(pointer) {
            settings += pairs(rd_kafka_topic_conf_dump(topics, &count), count)
        }
        return settings
    }

    /// Reads and frees a dump: names and values in turn.
    private static func pairs(
        _ dump: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
        _ count: Int
    ) -> [KafkaSetting] {
        guard let dump else { return [] }
        defer { rd_kafka_conf_dump_free(dump, count) }
        return stride(from: 0, to: count - 1, by: 2).compactMap { index in
            guard let name = dump[index], let value = dump[index + 1] else { return nil }
            let text = String(cString: name)
            return KafkaSetting(text, KafkaSettings.isSecret(text) ? "[redacted]" : String(cString: value))
        }
    }
}
