import FeatureModel
import FeatureRepository
import FeatureServer
import StrandlineClient

/// What is in force on a server.
struct AppliedDefinitions {
    var definition: FeatureStoreDefinition
    var hash: String

    static func read(_ client: StrandlineClient) async throws -> AppliedDefinitions {
        let reply = try await client.admin("definitions")
        let message = try JSONMessage.decode(DefinitionsMessage.self, from: reply)
        let files = RepositoryFiles(message.files.map { RepositoryFiles.File(name: $0.name, text: $0.text) })
        guard !files.files.isEmpty else { throw Failure(.notFound, "the server has no definitions; apply some first") }
        do throws(RepositoryError) {
            return AppliedDefinitions(
                definition: try Repository(parsing: files, environment: nil).definition,
                hash: message.definitionHash
            )
        } catch {
            throw Failure(.failed, "this version does not read the server's definitions: \(error)")
        }
    }
}
