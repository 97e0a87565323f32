import ArgumentParser
import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureServer

/// Where `plan` and `apply` find what is applied.
struct StoreTarget: ParsableArguments {
    @OptionGroup var connection: ClientConnection

    @Option(help: "Open this data directory instead of talking to a server; no server may have it.")
    var dataDir: String?

    /// Runs a definitions verb on the server, or on the data directory under its lock.
    func run(_ verb: String, _ files: RepositoryFiles) async throws -> PlanMessage {
        guard let dataDir else {
            return try await connection.admin(verb, DefinitionFilesMessage(files), as: PlanMessage.self)
        }
        let store = try FeatureStore.open(dataDir, StoreOptions())
        defer { store.close() }
        let definitions = DefinitionsService(store: store)
        do {
            try definitions.activateApplied()
            return PlanMessage(verb == "plan" ? try definitions.plan(files) : try definitions.apply(files))
        } catch let error as RepositoryError { return PlanMessage(error) }
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what applying the definitions would change.",
        discussion: """
            Examples:
              strandline plan --repo feature_repo
              strandline plan --repo feature_repo --data-dir feature_repo/data
              strandline plan --repo feature_repo --output json

            With --data-dir no server is needed.
            """
    )

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var definitions: DefinitionsOptions
    @OptionGroup var target: StoreTarget

    mutating func run() async throws {
        let (files, _) = try definitions.load()
        try show(try await target.run("plan", files), output)
    }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Apply the definitions.",
        discussion: """
            Examples:
              strandline apply --repo feature_repo
              strandline apply --repo feature_repo --data-dir feature_repo/data

            With --data-dir no server is needed.
            """
    )

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var definitions: DefinitionsOptions
    @OptionGroup var target: StoreTarget

    mutating func run() async throws {
        let (files, _) = try definitions.load()
        let plan = try await target.run("apply", files)
        try show(plan, output)
        if output == .json { return }
        print("applied, definition \(plan.definitionHash.prefix(12))")
    }
}

/// With JSON the plan is the last line of standard output, of mistakes and refusals too; the exit status says which it was.
private func show(_ plan: PlanMessage, _ output: OutputFormat) throws {
    if output == .json { print(try JSONMessage.encode(plan)) }
    guard plan.diagnostics.isEmpty else { throw Failure(.usage, plan.diagnostics.joined(separator: "\n")) }
    if output == .table, !plan.text.isEmpty { print(plan.text, terminator: plan.text.hasSuffix("\n") ? "" : "\n") }
    guard plan.refusals.isEmpty else {
        throw Failure(.usage, "nothing was applied: these changes cannot be made to a live store")
    }
}
