/// librdkafka settings, verbatim and in the order of the file.
public struct KafkaSettings: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    public struct Setting: Hashable, Sendable {
        /// The dotted name, such as `bootstrap.servers`.
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// No name stands twice.
    public private(set) var settings: [Setting] = []

    public init() {}

    public init(dictionaryLiteral settings: (String, String)...) {
        for (name, value) in settings { self[name] = value }
    }

    /// The value of a setting. Setting a new name appends it, setting nil removes it; the CLI overrides settings so.
    public subscript(name: String) -> String? {
        get { settings.first { $0.name == name }?.value }
        set {
            let index = settings.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): settings[index].value = value
            case (let index?, nil): settings.remove(at: index)
            case (nil, let value?): settings.append(Setting(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The most settings of one repository.
    static let countMax = 500

    /// Settings that a repository may not make, with the reason.
    static let refused: [String: String] = [
        "plugin.library.paths": "it loads foreign code into the server",
        "ssl.engine.location": "it loads foreign code into the server",
        "enable.auto.commit": "the store keeps the offsets itself, with the state that they produced",
        "enable.auto.offset.store": "the store keeps the offsets itself, with the state that they produced",
        "auto.offset.reset": "give 'start' in the source instead",
    ]
}
