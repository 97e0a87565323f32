// One element of `entities`.

import FeatureModel

extension RepositoryReader {
    static let entityKeys = ["name", "join_keys", "description"]
    /// The most parts of an entity key.
    static let joinKeyCountMax = 16

    func readEntity(_ value: YAMLValue) {
        let foreign = ["value_type": "give the type in 'join_keys'", "join_key": "write 'join_keys: {name: type}'"]
        guard
            let item = DefinitionItem(
                value,
                noun: "entity",
                keys: Self.entityKeys,
                foreign: foreign,
                rule: .identifier,
                diagnostics
            )
        else { return entities.isComplete = false }
        let keys = item.map.required("join_keys").map {
            fields(
                $0,
                key: "join_keys",
                noun: "join key",
                types: [.int64, .string],
                countMax: Self.joinKeyCountMax,
                diagnostics
            )
        }
        let description = item.map.descriptionText
        guard let name = item.name else { return entities.isComplete = false }
        let entity = keys.flatMap { keys in
            keys.isWhole ? Entity(name: name.value, joinKeys: keys.fields, description: description) : nil
        }
        entities.add(name, entity, diagnostics)
    }
}
