// The body of POST /get-online-features:
//
//   {"feature_service": "churn"  or  "features": ["view:feature", ...],
//    "entities": {"customer_id": [1, 2], "amount": [9.5, null]},
//    "full_feature_names": false, "include_feature_view_version_metadata": false}
//
// Other keys are skipped, as Feast does; of a key that stands twice the last counts.

import FeatureModel
import WireProtocol

/// What is asked for, whatever the entities.
struct LookupTarget: Hashable, Sendable {
    /// Goes before `features` when both are given.
    var service: String?
    /// References as written: `view:feature`, `view@v2:feature`.
    var features: [String] = []
}

struct OnlineFeaturesRequest {
    /// A column of `entities`: as many scalars as there are rows, from the token `first` on.
    struct Column {
        var name: String
        var first: Int
    }

    private(set) var target = LookupTarget()
    private(set) var usesFullNames = false
    private(set) var wantsViewMetadata = false
    /// In the order of the request.
    private(set) var columns: [Column] = []
    private(set) var rowCount = 0

    init(_ document: JSONDocument, limits: WireLimits) throws(FeastFailure) {
        guard case .object = document[0] else {
            throw .invalid("model_attributes_type", [], "Input should be a JSON object")
        }
        var entities: Int?
        for (key, value) in document.members(of: 0) {
            switch key {
            case "entities": entities = value
            case "feature_service": target.service = try Self.optionalString(document, value, key)
            case "features": target.features = try Self.strings(document, value, key)
            case "full_feature_names": usesFullNames = try Self.flag(document, value, key)
            case "include_feature_view_version_metadata": wantsViewMetadata = try Self.flag(document, value, key)
            default: break
            }
        }
        guard let entities else { throw .invalid("missing", ["entities"], "Field required") }
        try readColumns(document, entities, limits)
        if target.service != nil { target.features = [] }
        guard target.service != nil || !target.features.isEmpty else {
            throw .refused("give either feature_service or features, a list of view:feature")
        }
        guard target.features.count <= limits.featuresMax else {
            throw .refused("\(target.features.count) features, of which a request may have \(limits.featuresMax)")
        }
    }

    private mutating func readColumns(_ document: JSONDocument, _ entities: Int, _ limits: WireLimits)
        throws(FeastFailure)
    {
        guard case .object = document[entities] else {
            throw .invalid("dict_type", ["entities"], "Input should be an object of lists")
        }
        for (name, value) in document.members(of: entities) {
            guard case .array(let count) = document[value] else {
                throw .invalid("list_type", ["entities", name], "Input should be a list")
            }
            // Every element is one token, unless one of them has elements itself.
            guard document.end(of: value) - value - 1 == count else {
                throw .invalid("scalar_type", ["entities", name], "Input should be a list of single values")
            }
            columns.removeAll { $0.name == name }
            guard columns.isEmpty || count == rowCount else {
                throw .refused(
                    "the columns of entities differ in length: '\(name)' has \(count) values, not \(rowCount)"
                )
            }
            rowCount = count
            columns.append(Column(name: name, first: value + 1))
            guard columns.count <= Self.columnsMax else {
                throw .refused("more than \(Self.columnsMax) columns in entities")
            }
        }
        guard rowCount > 0 else { throw .refused("entities has no row; give each join key a list of values") }
        guard rowCount <= limits.entitiesMax else {
            throw .refused("\(rowCount) rows in entities, of which a request may have \(limits.entitiesMax)")
        }
    }

    /// Join keys and request values together have fewer.
    private static let columnsMax = 128

    private static func optionalString(_ document: JSONDocument, _ place: Int, _ key: String) throws(FeastFailure)
        -> String?
    {
        switch document[place] {
        case .null: return nil
        case .string: return document.string(place)
        default: throw .invalid("string_type", [key], "Input should be a valid string")
        }
    }

    private static func strings(_ document: JSONDocument, _ place: Int, _ key: String) throws(FeastFailure) -> [String]
    {
        if case .null = document[place] { return [] }
        guard case .array(let count) = document[place] else {
            throw .invalid("list_type", [key], "Input should be a valid list")
        }
        var strings: [String] = []
        var element = place + 1
        for index in 0..<count {
            guard let string = document.string(element) else {
                throw .invalid("string_type", [key, String(index)], "Input should be a valid string")
            }
            strings.append(string)
            element = document.end(of: element)
        }
        return strings
    }

    private static func flag(_ document: JSONDocument, _ place: Int, _ key: String) throws(FeastFailure) -> Bool {
        switch document[place] {
        case .bool(let flag): return flag
        case .null: return false
        default: throw .invalid("bool_type", [key], "Input should be a valid boolean")
        }
    }
}
