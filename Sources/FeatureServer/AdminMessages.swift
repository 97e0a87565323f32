// The JSON of ADMIN, both ways. docs/format/wire-protocol.md lists the verbs; the reference of the replies is
// docs/admin.md. Keys are snake_case on the wire.

public import FeatureRepository

/// Body of `plan` and `apply`.
public struct DefinitionFilesMessage: Codable, Sendable {
    public struct File: Codable, Sendable {
        public var name: String
        public var text: String
    }

    public var files: [File]

    public init(_ files: RepositoryFiles) { self.files = files.files.map { File(name: $0.name, text: $0.text) } }

    var repositoryFiles: RepositoryFiles {
        RepositoryFiles(files.map { RepositoryFiles.File(name: $0.name, text: $0.text) })
    }
}

/// Reply of `plan` and `apply`.
public struct PlanMessage: Codable, Sendable {
    /// Whether the definitions are without mistakes and (for `apply`) are applied now.
    public var ok: Bool
    /// Mistakes, as `file:line:column: message`.
    public var diagnostics: [String]
    /// Changes that cannot be made to a live store.
    public var refusals: [String]
    /// The plan as text for a terminal.
    public var text: String
    public var hasChanges: Bool
    public var definitionHash: String

    public init(_ plan: Plan) {
        ok = plan.isApplicable
        diagnostics = []
        refusals = plan.refusals
        text = plan.text
        hasChanges = !plan.isEmpty
        definitionHash = plan.definitionHash
    }

    public init(_ error: RepositoryError) {
        ok = false
        diagnostics = error.diagnostics.map(\.description)
        refusals = []
        text = ""
        hasChanges = false
        definitionHash = ""
    }
}

/// Body of `dead_letters`.
public struct DeadLettersRequest: Codable, Sendable {
    public var after: UInt64
    public var limit: Int

    public init(after: UInt64 = 0, limit: Int = 100) {
        self.after = after
        self.limit = limit
    }
}

/// Reply of `dead_letters`, oldest first.
public struct DeadLettersMessage: Codable, Sendable {
    public struct Letter: Codable, Sendable {
        public var sequence: UInt64
        public var source: String
        public var topic: String
        public var partition: Int32
        public var offset: Int64
        public var reason: String
        public var message: String
        /// The beginning of the record's value, as text where it is UTF-8.
        public var sample: String
    }

    public var letters: [Letter]
    public var kept: UInt64
    public var waiting: UInt64
    public var dropped: UInt64
}

/// Reply of `describe`.
public struct DescribeMessage: Codable, Sendable {
    /// A windowed feature has `function` and `time_window`, a derived one `expression` and `inputs`.
    public struct Feature: Codable, Sendable {
        public var reference: String
        public var type: String
        /// An aggregate function, or `latest` for an attribute.
        public var function: String?
        public var parameters: String?
        /// How far the value may lie off; absent for exact functions.
        public var errorBound: String?
        public var column: String?
        /// The column of categories; absent where the value is not a map by category.
        public var groupBy: String?
        public var filter: String?
        /// Absent for an attribute.
        public var timeWindow: String?
        public var offset: String?
        /// Of an attribute: how old a version may be; absent where there is no limit.
        public var maxAge: String?
        /// Of a derived feature all that its inputs have, separated by commas; absent without inputs that have one.
        public var entity: String?
        public var source: String?
        public var expression: String?
        /// References of features, and `request.name`.
        public var inputs: [String]?
    }

    public struct RequestValue: Codable, Sendable {
        public var name: String
        public var type: String
    }

    public struct Service: Codable, Sendable {
        public var name: String
        public var version: Int
        public var features: [String]
        public var joinKeys: [String]
        /// What a request brings along.
        public var request: [RequestValue]
    }

    public var project: String
    public var definitionHash: String
    public var features: [Feature]
    public var services: [Service]
}

/// Reply of `status`.
public struct StatusMessage: Codable, Sendable {
    public struct Ingest: Codable, Sendable {
        public var state: String
        public var problem: String?
        public var cluster: String?
        /// Accepted events in the store, over all sources and runs.
        public var events: UInt64
        public var deadLetters: UInt64
        /// Records behind the newest ones that brokers told of; null before the first fetch.
        public var lag: Int64?
        public var partitions: [Partition]

        /// The totals, `events` and `deadLetters`, are the store's and are filled in from it.
        public init(state: String, problem: String?, cluster: String?, lag: Int64?, partitions: [Partition]) {
            self.state = state
            self.problem = problem
            self.cluster = cluster
            events = 0
            deadLetters = 0
            self.lag = lag
            self.partitions = partitions
        }
    }

    public struct Partition: Codable, Sendable {
        public var source: String
        public var topic: String
        public var partition: Int32
        public var next: Int64
        public var lag: Int64?
        public var problem: String?

        public init(source: String, topic: String, partition: Int32, next: Int64, lag: Int64?, problem: String?) {
            self.source = source
            self.topic = topic
            self.partition = partition
            self.next = next
            self.lag = lag
            self.problem = problem
        }
    }

    public struct Store: Codable, Sendable {
        /// Arrival of the newest visible commit, ISO 8601; null before the first.
        public var newestCommit: String?
        public var commits: UInt64
        public var residentEntities: Int
        public var residentBytes: Int
        /// Lookups of entities in memory that a kept vector answered, and those that were evaluated, since the process started.
        public var vectorHits: UInt64
        public var vectorMisses: UInt64
        public var unfoldedEvents: Int
        /// Per source that has dropped history: the instant before which events may be gone, ISO 8601.
        public var horizons: [String: String]
        public var failure: String?
    }

    public var version: String
    public var project: String
    public var definitionHash: String
    public var ingest: Ingest?
    public var store: Store
    public var counters: [String: UInt64]
}
