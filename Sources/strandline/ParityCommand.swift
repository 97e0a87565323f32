import ArgumentParser
import FeatureModel
import FeatureRepository
import FeatureServer
import Glibc
import StrandlineClient
import WireProtocol

struct ParityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity",
        abstract: "Compare random values of a live store with a naive recomputation.",
        discussion: """
            Examples:
              strandline parity
              strandline parity --service repeat_purchase --cells 1000
              strandline parity --features customer_purchases:count_30d --seed 7
              strandline parity --pause 50 --output json

            Draws entities, T, K and boundary where things happen, and computes each cell
            by lookup, as a training row, and naively from the entity's raw events by code
            that shares nothing with the store's. Derived features are compared between
            lookup and training row only, those of several entities are left out. Cells
            that need events which history has dropped count as skipped.
            One request at a time, with a pause between: it can run beside production.
            Exit status 3: there are mismatches.
            docs/parity.md describes it.
            """
    )

    @Option(help: "Only the features of a service: name for its newest version, or name@version.")
    var service: String?

    @Option(parsing: .upToNextOption, help: "Only these features, each view:feature; default: all that are applied.")
    var features: [String] = []

    @Option(help: "How many cells to compare.")
    var cells = 10_000

    @Option(help: "The same seed asks the same while the store stands still; default: a random one.")
    var seed: UInt64?

    @Option(help: "Milliseconds between two requests, 0 to 10000.")
    var pause = 5

    @Flag(help: "Recompute by the other boundary rule, to see that mismatches are found.")
    var canary = false

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        guard service == nil || features.isEmpty else {
            throw Failure(.usage, "give --service or --features, not both")
        }
        guard (1...100_000_000).contains(cells) else { throw Failure(.usage, "--cells must be 1 to 100000000") }
        guard (0...10_000).contains(pause) else { throw Failure(.usage, "--pause must be 0 to 10000") }
        let named = try features.map { text in
            guard let reference = FeatureReference(text) else {
                throw Failure(
                    .usage,
                    "--features: '\(text)' is not a feature; write view:feature, for example customer_purchases:count_30d"
                )
            }
            return reference
        }
        // Behind everybody else on this machine too.
        _ = nice(10)
        let options = ParityAudit.Options(
            cells: cells,
            seed: seed ?? UInt64.random(in: 0...UInt64(UInt32.max)),
            pause: .milliseconds(pause),
            isCanary: canary
        )
        let (service, output) = (service, output)
        let tally = try await connection.withClient { client in
            let definitions = try await AppliedDefinitions.read(client).definition
            var references = definitions.allReferences
            if let service {
                references = try await client.prepare(service: service).features.compactMap {
                    FeatureReference($0.reference)
                }
            } else if !named.isEmpty {
                for reference in named where !references.contains(reference) {
                    let known = references.map(\.description)
                    throw Failure(
                        .notFound,
                        "no feature '\(reference)'\(hint(for: reference.description, among: known, title: "features"))"
                    )
                }
                references = named
            }
            let (groups, leftOut) = AuditedGroup.groups(
                of: references,
                in: definitions,
                featuresMax: client.limits.featuresMax
            )
            var audit = ParityAudit(client, options)
            try await audit.prepare(groups)
            let features = groups.reduce(0) { $0 + $1.features.count }
            let newest = audit.newest?.iso8601 ?? "none"
            if output == .table {
                print("seed=\(options.seed) known_at=\(newest) features=\(features) left_out=\(leftOut.count)")
            }
            try await audit.run()
            let tally = audit.tally
            print(
                output == .table
                    ? Self.text(tally)
                    : "{\"seed\":\(options.seed),\"known_at\":\(jsonText(newest)),\"features\":\(features),"
                        + "\"left_out\":[\(leftOut.map { jsonText($0.description) }.joined(separator: ","))],"
                        + Self.json(tally)
            )
            return tally
        }
        if tally.mismatches > 0 {
            throw Failure(.mismatches, "\(tally.mismatches) of \(tally.compared) cells differ")
        }
        if tally.compared == 0 {
            throw Failure(.failed, "nothing was compared: no entity of these features has events that can be judged")
        }
    }

    private static func text(_ tally: ParityTally) -> String {
        (tally.first.map(\.text)
            + ["skipped=\(tally.skipped) passed_over=\(tally.passedOver)"]
            + ["parity compared=\(tally.compared) mismatches=\(tally.mismatches)"]).joined(separator: "\n")
    }

    private static func json(_ tally: ParityTally) -> String {
        "\"compared\":\(tally.compared),\"mismatches\":\(tally.mismatches),\"skipped\":\(tally.skipped),"
            + "\"passed_over\":\(tally.passedOver),"
            + "\"first_mismatches\":[\(tally.first.map(\.json).joined(separator: ","))]}"
    }
}
