extension KafkaSettings {
    /// Our own defaults, where librdkafka's do not suit. Any of them may be overridden.
    public static func defaults(for role: Role) -> [KafkaSetting] {
        switch role {
        case .consumer:
            [
                KafkaSetting("client.id", "strandline"),
                // The name under which offsets are committed for lag tools. Nobody joins the group.
                KafkaSetting("group.id", "strandline"),
                // How long a broker may sit on a fetch without data. All partitions of a broker share one fetch, so a
                // partition that is assigned or unblocked meanwhile waits for it; 500 ms would be felt as lag.
                KafkaSetting("fetch.wait.max.ms", "50"),
                // When the queue holds this much, fetching stops for a whole second (fixed in this version), so the
                // bound must hold more than a second's reading or the reader idles. librdkafka's 100 000 records do
                // not: measured with 640 000 records of 200 bytes and a reader of 500 000 a second, 3.3 s with gaps of
                // 0.6 s, against 1.5 s without a gap. So the bytes alone are the bound, keys and values counted; 32 MiB
                // take 2.1 s, 16 MiB 4.1 s. Memory in use is up to three times as much for such small records, plus
                // one fetch per partition.
                KafkaSetting("queued.min.messages", "10000000"),
                KafkaSetting("queued.max.messages.kbytes", "65536"),
                KafkaSetting("fetch.message.max.bytes", "1048576"),
                // A damaged record is an error and never an event.
                KafkaSetting("check.crcs", "true"),
                // Added partitions are found within half a minute.
                KafkaSetting("topic.metadata.refresh.interval.ms", "30000"),
                KafkaSetting("reconnect.backoff.max.ms", "2000"),
                KafkaSetting("socket.nagle.disable", "true"),
            ]
        case .producer:
            [
                KafkaSetting("client.id", "strandline"),
                // A bound on memory; librdkafka's is 1 GiB.
                KafkaSetting("queue.buffering.max.kbytes", "65536"),
                KafkaSetting("compression.codec", "lz4"),
                KafkaSetting("reconnect.backoff.max.ms", "2000"),
                KafkaSetting("socket.nagle.disable", "true"),
            ]
        }
    }

    /// The settings that must have one value, and may be given with that value only.
    public static func fixed(for role: Role) -> [KafkaSetting] {
        switch role {
        case .consumer:
            [
                // Positions live in our store, in the same batch as the state.
                KafkaSetting("enable.auto.commit", "false"),
                KafkaSetting("enable.auto.offset.store", "false"),
                // An offset that the log no longer has stops the partition; anything else would skip silently.
                KafkaSetting("auto.offset.reset", "error"),
            ]
        case .producer: []
        }
    }

    /// Names that are refused, and why.
    static let refused: [(name: String, reason: String)] = [
        ("plugin.library.paths", "it loads code into this process")
    ]

    /// Whether a setting's value must not be shown.
    static func isSecret(_ name: String) -> Bool {
        ["password", "secret", "ssl.key.pem", "oauthbearer.config"].contains { name.contains($0) }
    }
}
