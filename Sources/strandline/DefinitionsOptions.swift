import ArgumentParser
import FeatureRepository
import FoundationEssentials
import KafkaLog

/// A feature repository on the command line.
struct DefinitionsOptions: ParsableArguments {
    @Option(help: "The folder of the feature repository.")
    var repo = "feature_repo"

    /// Reads the repository and checks what only librdkafka can check: its own settings.
    func load() throws -> (files: RepositoryFiles, repository: Repository) {
        do {
            let files = try RepositoryFiles.load(directory: repo)
            let repository = try Repository(parsing: files, environment: ProcessInfo.processInfo.environment)
            try check(repository)
            return (files, repository)
        } catch let error as RepositoryError {
            throw Failure(
                .usage,
                "\(error.diagnostics.count) mistake\(error.diagnostics.count == 1 ? "" : "s") in \(repo)\n\(error)"
            )
        }
    }

    private func check(_ repository: Repository) throws {
        for setting in repository.kafka.settings {
            do { try KafkaLog.KafkaSettings([(name: setting.name, value: setting.value)]).validate() } catch {
                let place = repository.location(ofKafkaSetting: setting.name).map { "\($0): " } ?? ""
                throw Failure(.usage, "1 mistake in \(repo)\n\(place)\(error.message)")
            }
        }
    }
}
