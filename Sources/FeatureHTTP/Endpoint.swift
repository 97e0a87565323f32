/// What the HTTP side answers.
enum Endpoint: String, CaseIterable {
    case getOnlineFeatures = "/get-online-features"
    case push = "/push"
    case writeToOnlineStore = "/write-to-online-store"
    case health = "/health"
    case livez = "/livez"
    case readyz = "/readyz"
    case healthz = "/healthz"
    case metrics = "/metrics"

    /// - Parameter path: of the request; a slash at its end does not matter.
    init?(path: String) {
        self.init(rawValue: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    var method: String {
        switch self {
        case .getOnlineFeatures, .push, .writeToOnlineStore: "POST"
        case .health, .livez, .readyz, .healthz, .metrics: "GET"
        }
    }

    /// Whether anybody may ask: a prober has no token, and learns nothing but that there is a server.
    var isOpen: Bool {
        switch self {
        case .health, .livez, .readyz, .healthz: true
        case .getOnlineFeatures, .push, .writeToOnlineStore, .metrics: false
        }
    }
}
