public import WireProtocol

/// Answers an ADMIN request: verb and JSON body in, JSON body out. Called on the pool; may block.
public struct AdminRouter: Sendable {
    public typealias Handler = @Sendable (_ body: String) throws(WireError) -> String

    private var handlers: [String: Handler] = [:]

    public init() {}

    public mutating func on(_ verb: String, _ handler: @escaping Handler) { handlers[verb] = handler }

    func answer(_ request: AdminRequest) throws(WireError) -> String {
        guard let handler = handlers[request.verb] else {
            throw WireError(
                .badRequest,
                "unknown admin verb '\(request.verb)'; there are: \(handlers.keys.sorted().joined(separator: ", "))"
            )
        }
        return try handler(request.body)
    }
}
