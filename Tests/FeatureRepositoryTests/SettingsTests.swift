// feature_store.yaml: settings that are read, and what is said about wrong ones.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct SettingsTests {
    @Test func everyServerKey() throws {
        let store = """
            project: shop
            server:
              listen: "[::1]:0"
              http_listen: 127.0.0.1:0
              data_directory: ${DATA:-/var/lib}/strandline
              commit_interval: 5ms
              memory_budget: 2GiB
              token_file: ${TOKEN}
              tls_certificate: chain.pem
              tls_key: ./key.pem
              idle_timeout: 90s
              connections_max: 20
              dead_letters: {max_records: 10, max_bytes: 64KiB}
            """
        let server = try Repository(
            parsing: Sample.files(store: store),
            environment: ["TOKEN": "secret/token", "DATA": ""]
        ).server
        #expect(server.listen == ServerConfiguration.Address(host: "::1", port: 0))
        #expect(server.listen.description == "[::1]:0")
        #expect(server.httpListen == ServerConfiguration.Address(host: "127.0.0.1", port: 0))
        #expect(server.dataDirectory == "/var/lib/strandline")
        #expect(server.commitInterval == 5000)
        #expect(server.memoryBudget == 2 << 30)
        #expect(server.tokenFile == "secret/token")
        #expect(server.tlsCertificate == "chain.pem" && server.tlsKey == "./key.pem")
        #expect(server.idleTimeout == 90_000_000 && server.connectionsMax == 20)
        #expect(server.deadLetters.recordCountMax == 10 && server.deadLetters.byteCountMax == 65536)
    }

    @Test(arguments: ["off", "\"off\"", "\"${HTTP}\""])
    func httpCanBeOff(text: String) throws {
        let files = Sample.files(store: "project: shop\nserver: {http_listen: \(text)}\n")
        #expect(try Repository(parsing: files, environment: ["HTTP": "off"]).server.httpListen == nil)
        let usual = ServerConfiguration.Address(host: "127.0.0.1", port: 6566)
        let silent = try Repository(parsing: Sample.files(store: "project: shop\n"), environment: [:])
        #expect(silent.server.httpListen == usual)
    }

    @Test(arguments: [
        ("./data", "repo", "repo/data"), ("data", "repo/", "repo/data"), ("/data", "repo", "/data"),
        (".", "repo", "repo"),
        ("../data", "repo", "repo/../data"),
    ])
    func paths(path: String, directory: String, expected: String) {
        #expect(ServerConfiguration.path(path, in: directory) == expected)
    }

    @Test func kafkaSettingsAreVerbatimAndOrdered() throws {
        let store = """
            project: shop
            kafka:
              security.protocol: sasl_ssl
              sasl.password: a$b$${x}${PASSWORD}
              fetch.min.bytes: 0100
              enable.partition.eof: True
            """
        var kafka = try Repository(parsing: Sample.files(store: store), environment: ["PASSWORD": "${p}"]).kafka
        #expect(
            kafka.settings.map(\.name) == [
                "security.protocol", "sasl.password", "fetch.min.bytes", "enable.partition.eof",
            ]
        )
        #expect(kafka.settings.map(\.value) == ["sasl_ssl", "a$b${x}${p}", "0100", "True"])
        kafka["bootstrap.servers"] = "embedded:1"
        kafka["fetch.min.bytes"] = nil
        #expect(
            kafka.settings.map(\.name) == [
                "security.protocol", "sasl.password", "enable.partition.eof", "bootstrap.servers",
            ]
        )
    }

    @Test func withoutAnEnvironmentVariablesStayAsTheyStand() throws {
        let store = "project: shop\nkafka: {bootstrap.servers: '${BROKER}'}\nserver: {listen: '${LISTEN}'}"
        let repository = try Repository(parsing: Sample.files(store: store), environment: nil)
        #expect(repository.kafka["bootstrap.servers"] == "${BROKER}")
        #expect(repository.server.listen.port == 6567)
    }

    @Test func placesOfSettingsAndDefinitions() throws {
        let repository = try Repository(parsing: Sample.files(), environment: [:])
        #expect(repository.location(ofKafkaSetting: "bootstrap.servers")?.description == "feature_store.yaml:3:3")
        #expect(repository.location(of: .source, named: "orders")?.description == "sources.yaml:2:11")
        #expect(repository.location(of: .service, named: "churn@1")?.description == "feature_services.yaml:2:11")
        #expect(repository.location(of: .view, named: "nothing") == nil)
    }

    /// Each line is the second one of the file, behind `project: shop`.
    @Test(arguments: [
        ("server: {listen: 6567}", "2:18: 'listen' must be host:port such as 127.0.0.1:6567, not '6567'"),
        (
            "server: {http_listen: 6566}",
            "2:23: 'http_listen' must be host:port such as 127.0.0.1:6566, or off, not '6566'"
        ),
        ("server: {listen: 'a:65536'}", "2:18: 'listen' must be host:port such as 127.0.0.1:6567, not 'a:65536'"),
        ("server: {port: 6567}", "2:10: unknown key 'port' in 'server'; write 'listen: host:port'"),
        (
            "server: {commit_interval: 2m}",
            "2:27: 'commit_interval' must be a duration from 1ms to 1m such as 5ms, not '2m'"
        ),
        (
            "server: {memory_budget: 1MiB}",
            "2:25: 'memory_budget' must be a number of bytes from 64MiB such as 2GiB, not '1MiB'"
        ),
        (
            "server: {idle_timeout: 8d}",
            "2:24: 'idle_timeout' must be a duration from 1s to 7d such as 10m, not '8d'"
        ),
        (
            "server: {connections_max: 0}",
            "2:27: 'connections_max' must be a whole number from 1 to 1000000, not '0'"
        ),
        ("server: {memory_budgt: 1GiB}", "2:10: unknown key 'memory_budgt' in 'server'; did you mean 'memory_budget'?"),
        ("server: {dead_letters: {max_records: -1}}", "2:38: 'max_records' must be a whole number, not '-1'"),
        (
            "server: [listen]",
            "2:9: 'server' must be a mapping with the keys listen, http_listen, data_directory, commit_interval, memory_budget, token_file, tls_certificate, tls_key, idle_timeout, connections_max, dead_letters, not a list"
        ),
        (
            "kafka: {client.id: '${NAME}'}",
            "2:20: the environment variable 'NAME' is not set; '${NAME:-...}' gives a default"
        ),
        (
            "kafka: {client.id: '${NAME'}",
            "2:20: '${NAME' has no closing '}'; write '$${' for a '${' that is meant literally"
        ),
        ("kafka: {client.id: '${A B}'}", "2:20: 'A B' is not the name of an environment variable"),
        ("kafka: {client.id: [a]}", "2:20: 'client.id' must be a single value, not a list"),
        (
            "kafka: {bootstrap: {servers: a}}",
            "2:20: 'bootstrap' must be a single value; write names with dots, such as bootstrap.servers: ..."
        ),
        ("kafka: {client.id: }", "2:9: 'client.id' is empty; write \"\" for an empty text"),
        (
            "kafka: {plugin.library.paths: x}",
            "2:9: 'plugin.library.paths' cannot be set here: it loads foreign code into the server"
        ),
        (
            "kafka: {auto.offset.reset: latest}",
            "2:9: 'auto.offset.reset' cannot be set here: give 'start' in the source instead"
        ),
        ("kafka: {'a b': c}", "2:9: 'a b' is not the name of a Kafka setting"),
        ("projekt: x", "2:1: unknown key 'projekt' in feature_store.yaml; did you mean 'project'?"),
        (
            "online_store: x",
            "2:1: unknown key 'online_store' in feature_store.yaml; valid keys: project, kafka, server, entities, sources, feature_views, attribute_views, on_demand_feature_views, feature_services"
        ),
        ("project: other", "2:1: duplicate key 'project'; it is already given on line 1"),
    ])
    func mistakesInTheStoreFile(line: String, expected: String) {
        #expect(mistakes(Sample.files(store: "project: shop\n" + line)) == ["feature_store.yaml:" + expected])
    }

    @Test(arguments: [
        ("server: {}", "1:1: feature_store.yaml lacks 'project'"),
        ("project:", "1:1: 'project' of feature_store.yaml is empty"),
        ("", "1:1: the file is empty; it needs at least 'project'"),
        (
            "project: 1st",
            "1:10: project name '1st' must begin with a letter or '_', consist of letters, digits, '_' and '-', and have at most 128 characters"
        ),
        (
            "- project",
            "1:1: feature_store.yaml must be a mapping with the keys project, kafka, server, entities, sources, feature_views, attribute_views, on_demand_feature_views, feature_services, not a list"
        ),
    ])
    func mistakesWithTheProject(store: String, expected: String) {
        #expect(mistakes(Sample.files(store: store)) == ["feature_store.yaml:" + expected])
    }

    @Test func settingsInAnotherFile() {
        let files = RepositoryFiles(Sample.files().files + [.init(name: "z.yaml", text: "kafka: {a: b}")])
        #expect(
            mistakes(files) == [
                "z.yaml:1:1: unknown key 'kafka' in a definition file; it belongs in feature_store.yaml"
            ]
        )
    }
}
