import KafkaLog
import Synchronization
import Testing

@Suite struct SettingsTests {
    @Test(arguments: [
        ("no.such.setting", "1", #"No such configuration property: "no.such.setting""#),
        ("check.crcs", "maybe", "Expected bool value for \"check.crcs\": true or false"),
        ("plugin.library.paths", "evil.so", "plugin.library.paths is refused: it loads code into this process"),
        ("enable.auto.commit", "true", "enable.auto.commit must be false here, not true"),
        ("auto.offset.reset", "latest", "auto.offset.reset must be error here, not latest"),
    ])
    func badSettingsAreRefusedWithTheReason(name: String, value: String, message: String) {
        #expect { try KafkaSettings([KafkaSetting(name, value)]).validate() } throws: {
            guard let error = $0 as? KafkaError else { return false }
            return error.code == .invalidArgument && error.message == message
        }
    }

    @Test func theUsersValueIsLaidOverTheDefault() throws {
        let settings = KafkaSettings([
            KafkaSetting("fetch.wait.max.ms", "7"), KafkaSetting("sasl.password", "hush"),
            KafkaSetting("enable.auto.commit", "false"),
        ])
        try settings.validate()
        let inForce = Dictionary(try settings.effective().map { ($0.name, $0.value) }) { first, _ in first }
        #expect(inForce["fetch.wait.max.ms"] == "7")
        #expect(inForce["check.crcs"] == "true")
        #expect(inForce["auto.offset.reset"] == "error")
        #expect(inForce["sasl.password"] == "[redacted]")
        #expect(!inForce.values.contains("hush"))
    }

    @Test func everyRoleHasDefaultsThatLibrdkafkaTakes() throws {
        for role in KafkaSettings.Role.allCases { try KafkaSettings().validate(for: role) }
    }

    @Test func logLinesReachTheHandlerAndErrorsAreTold() throws {
        let lines = Mutex<[String]>([])
        let settings = KafkaSettings(bootstrapServers: "127.0.0.1:1")
        let consumer = try KafkaConsumer(settings) { level, facility, text in
            lines.withLock { $0.append("\(level) \(facility) \(text)") }
        }
        #expect(consumer.settings.contains(KafkaSetting("fetch.wait.max.ms", "50")))
        try consumer.assign([TopicPartitionOffset(topic: "t", partition: 0, offset: 0)])
        var errors: [KafkaError] = []
        try wait(for: "errors and log lines") {
            let batch = try consumer.consumeBatch(maxCount: 10, timeoutMilliseconds: 50)
            #expect(batch.count == 0)
            errors += consumer.takeErrors()
            return errors.contains { $0.code == .allBrokersDown } && lines.withLock { !$0.isEmpty }
        }
        #expect(errors.contains { $0.code == .transport })
        #expect { _ = try consumer.metadata(timeoutMilliseconds: 50) } throws: {
            ($0 as? KafkaError)?.isRetriable == true
        }
        #expect(try consumer.clusterID(timeoutMilliseconds: 50) == nil)
    }
}
