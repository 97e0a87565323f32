// Derived features: expressions over features and over what a request brings along.
//
//   features of views --\
//                        +--> expression --> a feature like any other
//   request values -----/
//
// Nothing of them is stored. They are computed when they are read, for a lookup and for a training row by the same code.

/// Derived features under one name, `view:feature` like those of a feature view.
public struct OnDemandFeatureView: Hashable, Sendable {
    public var name: String
    /// The views whose features the expressions may name.
    public var sources: [String]
    /// The values that a request brings along, `request.name` in expressions.
    public var request: [Field]
    public var features: [DerivedFeature]
    public var description: String

    public init(
        name: String,
        sources: [String] = [],
        request: [Field] = [],
        features: [DerivedFeature],
        description: String = ""
    ) {
        self.name = name
        self.sources = sources
        self.request = request
        self.features = features
        self.description = description
    }

    /// What stands before the dot of a request value's name.
    public static let requestQualifier = "request"
    /// The most request values of a view, and of a lookup altogether.
    public static let requestCountMax = 64
}

/// An expression over features and request values, checked.
public struct DerivedFeature: Hashable, Sendable {
    public var name: String
    /// The canonical text: one for all expressions that mean the same in other layout.
    public var text: String
    public var type: ValueType
    /// What the names in the text stand for, each name once.
    public var inputs: [DerivedInput]

    public init(name: String, text: String, type: ValueType, inputs: [DerivedInput]) {
        self.name = name
        self.text = text
        self.type = type
        self.inputs = inputs
    }
}

/// A name in a derived feature's expression, resolved.
public struct DerivedInput: Hashable, Sendable {
    public enum Origin: Hashable, Sendable {
        case feature(FeatureReference)
        case request
    }

    /// What stands before the dot; nil for a bare name.
    public var qualifier: String?
    public var name: String
    public var type: ValueType
    public var origin: Origin

    public init(qualifier: String?, name: String, type: ValueType, origin: Origin) {
        self.qualifier = qualifier
        self.name = name
        self.type = type
        self.origin = origin
    }

    /// The feature that it is; nil for a request value.
    public var feature: FeatureReference? { if case .feature(let reference) = origin { reference } else { nil } }
    /// The request value that it is; nil for a feature.
    public var requestField: Field? { origin == .request ? Field(name: name, type: type) : nil }
}

extension DerivedFeature {
    /// The features that it reads, each once, in the order of the inputs.
    public var featureInputs: [FeatureReference] {
        inputs.compactMap(\.feature).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
