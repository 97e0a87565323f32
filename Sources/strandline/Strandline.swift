import ArgumentParser
import FeatureModel

/// The command line. Each verb is a file of its own; what several share stands in `ClientConnection`, `Failure` and
/// `TextTable`.
@main
struct Strandline: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "strandline",
        abstract: "A streaming feature store: Kafka events in, exact windowed features out.",
        discussion: """
            Examples:
              strandline serve --repo feature_repo --embedded-broker
              strandline apply --repo feature_repo
              strandline get customer_id=42 --service storefront
              strandline training-set --labels labels.csv --service repeat_purchase \\
                  --out train.parquet

            Exit status: 0 done, 1 failed, 2 wrong usage or definitions, 3 mismatches (parity, verify),
            4 not found or not verifiable any more, 5 server or broker unreachable,
            130 stopped by Ctrl-C.
            """,
        version: version,
        subcommands: [
            ServeCommand.self, PlanCommand.self, ApplyCommand.self, GetCommand.self, TrainingSetCommand.self,
            VerifyCommand.self, ExportCommand.self,
            StatusCommand.self, StatsCommand.self,
            FeaturesCommand.self, EvaluateCommand.self, DeadLettersCommand.self, ParityCommand.self,
            ProduceCommand.self, DevBrokerCommand.self,
        ]
    )

    static func main() async {
        do {
            try checkVerb(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            failure.report()
        } catch {
            // ArgumentParser exits with 64 for wrong usage; one status for "you asked wrongly" is easier to script.
            let status = exitCode(for: error)
            let text = fullMessage(for: error)
            if status == .success {
                print(text)
                Failure.leave(with: 0)
            }
            Failure.print(text)
            Failure.leave(with: status == .validationFailure ? 2 : 1)
        }
    }

    /// A verb that there is not. ArgumentParser would call it an unexpected argument, and show help for `help nosuch`.
    private static func checkVerb(_ arguments: ArraySlice<String>) throws {
        let verbs = configuration.subcommands.compactMap { $0.configuration.commandName }
        var verb = arguments.first
        if verb == "help" { verb = arguments.dropFirst().first }
        guard let verb, !verb.hasPrefix("-"), verb != "help", !verbs.contains(verb) else { return }
        let near = nearestWord(to: verb, among: verbs).map { "; did you mean '\($0)'?" } ?? ""
        throw Failure(
            .usage,
            "there is no verb '\(verb)'\(near)\nverbs: \(verbs.joined(separator: ", "))\nsee: strandline --help"
        )
    }
}
