// `project`, `kafka` and `server` of feature_store.yaml.

import FeatureModel

/// What `feature_store.yaml` says beside definitions.
struct StoreSettings {
    var project = ""
    var kafka = KafkaSettings()
    var kafkaLocations: [String: Location] = [:]
    var server = ServerConfiguration()
}

extension RepositoryReader {
    static let settingsKeys = ["project", "kafka", "server"]
    static let serverKeys = [
        "listen", "http_listen", "data_directory", "commit_interval", "memory_budget", "token_file", "tls_certificate",
        "tls_key", "idle_timeout", "connections_max", "dead_letters",
    ]

    func readSettings(_ map: MapReader) {
        if let text = map.required("project").flatMap({ map.text($0, "project") }),
            let name = checkedName(text, noun: "project", rule: .dashed, diagnostics)
        {
            settings.project = name.value
        }
        if let value = map["kafka"] { readKafka(value) }
        if let value = map["server"] { readServer(value) }
    }

    private func readKafka(_ value: YAMLValue) {
        guard let map = MapReader(value, title: "'kafka'", keys: nil, diagnostics) else { return }
        if map.entries.count > KafkaSettings.countMax {
            return diagnostics.add(value.location, "'kafka' has more than \(KafkaSettings.countMax) settings")
        }
        for entry in map.entries where settings.kafka[entry.key] == nil {
            if let reason = KafkaSettings.refused[entry.key] {
                diagnostics.add(entry.keyLocation, "'\(entry.key)' cannot be set here: \(reason)")
                continue
            }
            guard !entry.value.isNull else {
                diagnostics.add(entry.keyLocation, "\(entry.key.quoted) is empty; write \"\" for an empty text")
                continue
            }
            if case .map = entry.value.kind {
                diagnostics.add(
                    entry.value.location,
                    "\(entry.key.quoted) must be a single value; write names with dots, such as bootstrap.servers: ..."
                )
                continue
            }
            guard let text = map.text(entry.value, entry.key) else { continue }
            if entry.key.isEmpty || !entry.key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                diagnostics.add(entry.keyLocation, "\(entry.key.quoted) is not the name of a Kafka setting")
                continue
            }
            settings.kafka[entry.key] = expanded(text)
            settings.kafkaLocations[entry.key] = entry.keyLocation
        }
    }

    private func readServer(_ value: YAMLValue) {
        let foreign = ["port": "write 'listen: host:port'", "host": "write 'listen: host:port'"]
        guard let map = MapReader(value, title: "'server'", keys: Self.serverKeys, foreign: foreign, diagnostics) else {
            return
        }
        let server = ServerConfiguration()
        settings.server.listen =
            setting(map, "listen", "host:port such as 127.0.0.1:6567") { ServerConfiguration.Address($0) }
            ?? server.listen
        if let listen = setting(map, "http_listen", "host:port such as 127.0.0.1:6566, or off", httpAddress) {
            settings.server.httpListen = listen
        }
        settings.server.dataDirectory =
            setting(map, "data_directory", "a path") { $0.isEmpty ? nil : $0 } ?? server.dataDirectory
        settings.server.tokenFile = setting(map, "token_file", "a path") { $0.isEmpty ? nil : $0 }
        settings.server.commitInterval =
            setting(map, "commit_interval", "a duration from 1ms to 1m such as 5ms") { text in
                TimeWindow.microseconds(in: text).flatMap {
                    ServerConfiguration.commitIntervals.contains($0) ? $0 : nil
                }
            } ?? server.commitInterval
        settings.server.memoryBudget =
            setting(map, "memory_budget", "a number of bytes from 64MiB such as 2GiB") { text in
                byteCount(in: text).flatMap { ServerConfiguration.memoryBudgets.contains($0) ? $0 : nil }
            } ?? server.memoryBudget
        settings.server.tlsCertificate = setting(map, "tls_certificate", "a path") { $0.isEmpty ? nil : $0 }
        settings.server.tlsKey = setting(map, "tls_key", "a path") { $0.isEmpty ? nil : $0 }
        settings.server.idleTimeout =
            setting(map, "idle_timeout", "a duration from 1s to 7d such as 10m") { text in
                TimeWindow.microseconds(in: text).flatMap {
                    ServerConfiguration.idleTimeouts.contains($0) ? $0 : nil
                }
            } ?? server.idleTimeout
        settings.server.connectionsMax =
            setting(map, "connections_max", "a whole number from 1 to 1000000") { text in
                wholeNumber(in: text).flatMap { ServerConfiguration.connectionCounts.contains($0) ? $0 : nil }
            } ?? server.connectionsMax
        readDeadLetters(map)
    }

    private func readDeadLetters(_ map: MapReader) {
        let server = ServerConfiguration()
        guard let value = map["dead_letters"],
            let letters = MapReader(value, title: "'dead_letters'", keys: ["max_records", "max_bytes"], diagnostics)
        else { return }
        settings.server.deadLetters.recordCountMax =
            setting(letters, "max_records", "a whole number") { wholeNumber(in: $0) }
            ?? server.deadLetters.recordCountMax
        settings.server.deadLetters.byteCountMax =
            setting(letters, "max_bytes", "a number of bytes such as 64MiB") { byteCount(in: $0) }
            ?? server.deadLetters.byteCountMax
    }

    /// - Returns: nil for what is neither an address nor `off`.
    private func httpAddress(_ text: String) -> ServerConfiguration.Address?? {
        if text == "off" { return .some(nil) }
        return ServerConfiguration.Address(text).map { .some($0) }
    }

    /// A value whose variables are expanded before it is parsed. A text with unexpanded variables is left to the
    /// default: it cannot be judged.
    private func setting<Value>(_ map: MapReader, _ key: String, _ expected: String, _ parse: (String) -> Value?)
        -> Value?
    {
        guard let text = map.text(key) else { return nil }
        let before = diagnostics.count
        let value = expanded(text)
        if diagnostics.count != before || environment == nil && text.value.contains("${") { return nil }
        if let parsed = parse(value) { return parsed }
        diagnostics.add(text.location, "'\(key)' must be \(expected), not \(value.quoted)")
        return nil
    }

    private func expanded(_ text: Located<String>) -> String {
        guard let environment else { return text.value }
        let (value, mistakes) = expanding(text.value, from: environment)
        for mistake in mistakes { diagnostics.add(text.location, mistake) }
        return value
    }
}
