// The passes over a repository: first the texts, then what stands alone (settings, entities, sources), then views, then
// on-demand views, then services, so that each finds what it refers to whatever the order of the files.

import FeatureModel

final class RepositoryReader {
    let diagnostics: DiagnosticList
    /// nil leaves `${VAR}` as it stands.
    let environment: [String: String]?
    var settings = StoreSettings()
    var entities = Symbols<Entity>(noun: "entity")
    var sources = Symbols<Source>(noun: "source")
    var views = Symbols<ReadView>(noun: "view")
    var onDemandViews = Symbols<ReadOnDemandView>(noun: "on-demand feature view")
    /// What the on-demand views are called, before they are read: one may name another as a source by mistake.
    private(set) var onDemandNames: Set<String> = []
    /// The features of views that on-demand views name.
    var viewFeatures: [String: ViewFeatures] = [:]
    /// Under `name@version`.
    var services = Symbols<FeatureService>(noun: "feature service")
    /// The value columns in use, by source and entity.
    var valueColumns: [[String]: Set<String>] = [:]
    /// The fields that the expressions of each source's views read.
    var expressionFields: [String: Set<String>] = [:]

    static let listKeys = [
        "entities", "sources", "feature_views", "attribute_views", "on_demand_feature_views", "feature_services",
    ]
    /// The most definitions of one kind; ordinals of sources have 16 bits.
    static let definitionCountMax = 1000

    init(diagnostics: DiagnosticList, environment: [String: String]?) {
        self.diagnostics = diagnostics
        self.environment = environment
    }

    func read(_ files: RepositoryFiles) {
        var maps: [MapReader] = []
        for file in files.files {
            let (root, isWhole) = YAMLComposer.compose(file, diagnostics)
            var understood = isWhole
            let isStore = file.name == RepositoryFiles.storeFileName
            if let map = root.flatMap({ $0.isNull ? nil : topLevel($0, isStore: isStore) }) {
                maps.append(map)
                if isStore { readSettings(map) }
            } else if root?.isNull == false {
                understood = false
            } else if isStore && isWhole {
                diagnostics.add(
                    Location(file: file.name, line: 1, column: 1),
                    "the file is empty; it needs at least 'project'"
                )
            }
            if !understood {
                entities.isComplete = false
                sources.isComplete = false
                views.isComplete = false
                onDemandViews.isComplete = false
            }
        }
        entities.isComplete = readLists(maps, "entities", readEntity) && entities.isComplete
        sources.isComplete = readLists(maps, "sources", readSource) && sources.isComplete
        views.isComplete = readLists(maps, "feature_views", readView) && views.isComplete
        views.isComplete = readLists(maps, "attribute_views", readAttributeView) && views.isComplete
        checkRecordKeys()
        onDemandNames = Set(maps.flatMap { $0["on_demand_feature_views"]?.itemNames ?? [] })
        onDemandViews.isComplete =
            readLists(maps, "on_demand_feature_views", readOnDemandView) && onDemandViews.isComplete
        _ = readLists(maps, "feature_services", readService)
    }

    private func topLevel(_ root: YAMLValue, isStore: Bool) -> MapReader? {
        let keys = isStore ? Self.settingsKeys + Self.listKeys : Self.listKeys
        var foreign = [
            "feature_view": "did you mean 'feature_views'?", "views": "did you mean 'feature_views'?",
            "attribute_view": "did you mean 'attribute_views'?",
            "on_demand_feature_view": "did you mean 'on_demand_feature_views'?",
            "on_demand_views": "did you mean 'on_demand_feature_views'?",
            "services": "did you mean 'feature_services'?", "entity": "did you mean 'entities'?",
        ]
        if !isStore {
            for key in Self.settingsKeys { foreign[key] = "it belongs in \(RepositoryFiles.storeFileName)" }
        }
        return MapReader(
            root,
            title: isStore ? RepositoryFiles.storeFileName : "a definition file",
            keys: keys,
            foreign: foreign,
            diagnostics
        )
    }

    /// Reads every element of the lists of one name.
    ///
    /// - Returns: false when a list could not be read.
    private func readLists(_ maps: [MapReader], _ key: String, _ read: (YAMLValue) -> Void) -> Bool {
        var count = 0
        var isWhole = true
        for map in maps {
            guard let value = map[key] else { continue }
            guard let list = map.list(value, key) else {
                isWhole = false
                continue
            }
            for element in list {
                count += 1
                if count > Self.definitionCountMax {
                    diagnostics.add(element.location, "more than \(Self.definitionCountMax) '\(key)' in one repository")
                    return false
                }
                read(element)
            }
        }
        return isWhole
    }

    var definition: FeatureStoreDefinition {
        FeatureStoreDefinition(
            project: settings.project,
            entities: entities.definitions,
            sources: sources.definitions,
            featureViews: views.definitions.compactMap(\.featureView),
            attributeViews: views.definitions.compactMap(\.attributeView),
            onDemandFeatureViews: onDemandViews.definitions.map(\.view),
            featureServices: services.definitions
        )
    }
}
