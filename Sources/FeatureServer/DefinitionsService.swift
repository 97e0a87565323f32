public import FeatureHistory
public import FeatureRepository

/// Plans and applies definitions against a store: the same code behind the server's admin requests and behind the CLI
/// when it opens a data directory itself.
public struct DefinitionsService: Sendable {
    private let store: FeatureStore

    public init(store: FeatureStore) { self.store = store }

    /// Reads the files that were applied last and makes them current again after a start.
    ///
    /// - Throws: `RepositoryError` when this version no longer accepts them.
    public func activateApplied() throws(RepositoryError) {
        let applied = store.appliedFiles
        guard !applied.isEmpty else { return }
        let repository = try Repository(parsing: Self.files(applied), environment: nil)
        store.activate(repository.definition, definitionHash: definitionHash(of: repository.definition))
    }

    public var isEmpty: Bool { store.appliedFiles.isEmpty }

    /// The difference between what is applied and what the files define.
    public func plan(_ files: RepositoryFiles) throws(RepositoryError) -> Plan {
        let repository = try Repository(parsing: files, environment: nil)
        return Plan(from: isEmpty ? nil : store.catalog.definition, to: repository.definition)
    }

    /// Applies the files when the plan has no refusals.
    ///
    /// - Returns: the plan; when it is not applicable, nothing was applied.
    public func apply(_ files: RepositoryFiles) throws -> Plan {
        let repository = try Repository(parsing: files, environment: nil)
        let plan = Plan(from: isEmpty ? nil : store.catalog.definition, to: repository.definition)
        guard plan.isApplicable else { return plan }
        try store.apply(
            repository.definition,
            definitionHash: plan.definitionHash,
            files: files.files.map { DefinitionFile(name: $0.name, text: $0.text) }
        )
        return plan
    }

    private static func files(_ stored: [DefinitionFile]) -> RepositoryFiles {
        RepositoryFiles(stored.map { RepositoryFiles.File(name: $0.name, text: $0.text) })
    }
}
