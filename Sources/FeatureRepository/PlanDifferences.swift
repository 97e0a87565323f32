// What differs between two definitions of one name, and which differences a live store cannot take.
//
// Refused is what would make stored history mean something else: another topic or clock, another type for values that
// are already stored, other keys. A new name starts a new history and is always possible.

import FeatureModel

func entityChanges(_ plan: inout Plan, _ old: Entity, _ new: Entity) -> [String] {
    var details: [String] = []
    if old.joinKeys != new.joinKeys {
        let (before, after) = (entityLines(old).joined(separator: ", "), entityLines(new).joined(separator: ", "))
        details.append("~ join_keys: \(before) -> \(after)")
        plan.refusals.append(
            "entity '\(new.name)': join_keys change from (\(before)) to (\(after)); stored keys cannot be rewritten; give the entity a new name"
        )
    }
    return details + descriptionChange(old.description, new.description)
}

func sourceChanges(_ plan: inout Plan, _ old: Source, _ new: Source) -> [String] {
    var details: [String] = []
    for (before, after) in zip(settingLines(old), settingLines(new)) where before.value != after.value {
        details.append("~ \(before.key): \(before.value) -> \(after.value)")
        switch before.key {
        case "topic", "timestamp_field", "timestamp_format", "envelope":
            plan.refusals.append(
                "source '\(new.name)': \(before.key) changes from \(before.value) to \(after.value); what is stored was read by the old one; "
                    + "give the source a new name"
            )
        case "key_format":
            if old.hasTombstones == new.hasTombstones {
                plan.notes.append("source '\(new.name)': key_format counts for records that are read from now on")
            } else {
                plan.refusals.append(
                    "source '\(new.name)': key_format changes from \(before.value) to \(after.value); what is stored tells no deletes from other events; "
                        + "give the source a new name"
                )
            }
        case "event_id":
            plan.refusals.append(
                "source '\(new.name)': event_id changes from \(before.value) to \(after.value); which stored events are duplicates was decided by "
                    + "the old one; give the source a new name"
            )
        case "start":
            plan.notes.append("source '\(new.name)': start takes effect only for partitions without a stored offset")
        case "max_future", "record_bytes_max":
            plan.notes.append("source '\(new.name)': \(before.key) counts for records that are read from now on")
        default: break
        }
    }
    let oldTypes = Dictionary(old.schema.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
    for column in new.schema {
        switch oldTypes[column.name] {
        case nil: details.append("+ column \(column.name) \(column.type.name)")
        case column.type?: break
        case let type?:
            details.append("~ column \(column.name): \(type.name) -> \(column.type.name)")
            plan.refusals.append(
                "source '\(new.name)': column '\(column.name)' changes from \(type.name) to \(column.type.name); stored values cannot be "
                    + "rewritten; give the source a new name"
            )
        }
    }
    let newNames = Set(new.schema.map(\.name))
    for column in old.schema where !newNames.contains(column.name) {
        details.append("- column \(column.name) \(column.type.name)")
    }
    return details
}

func viewChanges(_ plan: inout Plan, _ old: FeatureView, _ new: FeatureView) -> [String] {
    inputChanges(&plan, old, new)
        + featureChanges(&plan, new.name, old.aggregations, new.aggregations, name: \.name, text: text)
        + descriptionChange(old.description, new.description)
}

func attributeViewChanges(_ plan: inout Plan, _ old: AttributeView, _ new: AttributeView) -> [String] {
    var details = inputChanges(&plan, old, new)
    if old.maxAge != new.maxAge {
        details.append("~ max_age: \(text(maxAge: old.maxAge)) -> \(text(maxAge: new.maxAge))")
    }
    return details + featureChanges(&plan, new.name, old.attributes, new.attributes, name: \.name, text: text)
        + descriptionChange(old.description, new.description)
}

/// What views of both kinds have.
private func inputChanges<View: EventView>(_ plan: inout Plan, _ old: View, _ new: View) -> [String] {
    var details: [String] = []
    for (key, before, after) in [("entity", old.entity, new.entity), ("source", old.source, new.source)]
    where before != after {
        details.append("~ \(key): \(before) -> \(after)")
        plan.refusals.append(
            "view '\(new.name)': \(key) changes from \(before) to \(after); it would be another history under the old name; give the view a new name"
        )
    }
    if old.history != new.history {
        details.append("~ history: \(text(old.history)) -> \(text(new.history))")
        plan.notes.append(historyNote(new.name, old.history, new.history))
    }
    if old.filter != new.filter {
        details.append("~ filter: \(old.filter?.text ?? "none") -> \(new.filter?.text ?? "none")")
        plan.notes.append(
            "view '\(new.name)': its features keep their names but count other events; models trained on the old filter will see the new"
        )
    }
    return details + columnChanges(&plan, old, new)
}

private func featureChanges<Feature: Equatable>(
    _ plan: inout Plan,
    _ view: String,
    _ old: [Feature],
    _ new: [Feature],
    name: (Feature) -> String,
    text: (Feature) -> String
) -> [String] {
    var details: [String] = []
    let oldByName = Dictionary(old.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
    for feature in new {
        switch oldByName[name(feature)] {
        case nil: details.append("+ \(name(feature)) (\(text(feature)))")
        case feature?: break
        case let before?:
            details.append("~ \(name(feature)): \(text(before)) -> \(text(feature))")
            plan.notes.append(
                "view '\(view)': '\(name(feature))' keeps its name but means something else; models trained on the old one will see the new"
            )
        }
    }
    let newNames = Set(new.map(name))
    for feature in old where !newNames.contains(name(feature)) {
        details.append("- \(name(feature)) (\(text(feature)))")
    }
    return details
}

private func columnChanges<View: EventView>(_ plan: inout Plan, _ old: View, _ new: View) -> [String] {
    var details: [String] = []
    for column in new.columns {
        let before = old.columns.first { $0.name == column.name }
        guard before != column else { continue }
        guard let before else {
            details.append("+ column \(column.name): \(column.expression.text)")
            continue
        }
        details.append("~ column \(column.name): \(before.expression.text) -> \(column.expression.text)")
        plan.notes.append(
            "view '\(new.name)': column '\(column.name)' keeps its name but means something else; models trained on the old one will see the new"
        )
    }
    for column in old.columns where !new.columns.contains(where: { $0.name == column.name }) {
        details.append("- column \(column.name): \(column.expression.text)")
    }
    return details
}

/// Nothing of a derived feature is stored, so whatever changes costs nothing and is true of all times at once.
func onDemandViewChanges(_ plan: inout Plan, _ old: OnDemandFeatureView, _ new: OnDemandFeatureView) -> [String] {
    var details: [String] = []
    if old.sources != new.sources {
        let (before, after) = (old.sources.joined(separator: ", "), new.sources.joined(separator: ", "))
        details.append("~ sources: \(before.isEmpty ? "none" : before) -> \(after.isEmpty ? "none" : after)")
    }
    for field in new.request {
        let before = old.request.first { $0.name == field.name }
        guard before != field else { continue }
        let change = before.map { "~ request \(field.name): \($0.type.name) -> \(field.type.name)" }
        details.append(change ?? "+ request \(field.name) \(field.type.name)")
    }
    for field in old.request where !new.request.contains(where: { $0.name == field.name }) {
        details.append("- request \(field.name) \(field.type.name)")
    }
    for feature in new.features {
        let before = old.features.first { $0.name == feature.name }
        guard before != feature else { continue }
        guard let before else {
            details.append("+ \(line(feature))")
            continue
        }
        details.append("~ \(feature.name): \(before.text) -> \(feature.text)")
        plan.notes.append(
            "on-demand view '\(new.name)': '\(feature.name)' keeps its name but means something else, for times past as well; "
                + "models trained on the old one will see the new"
        )
    }
    for feature in old.features where !new.features.contains(where: { $0.name == feature.name }) {
        details.append("- \(line(feature))")
    }
    return details + descriptionChange(old.description, new.description)
}

func serviceChanges(_ plan: inout Plan, _ old: FeatureService, _ new: FeatureService) -> [String] {
    let (oldSet, newSet) = (Set(old.features), Set(new.features))
    var details = new.features.filter { !oldSet.contains($0) }.map { "+ \($0)" }
    details += old.features.filter { !newSet.contains($0) }.map { "- \($0)" }
    if old.features.filter(newSet.contains) != new.features.filter(oldSet.contains) {
        details.append("~ order of the features")
    }
    if !details.isEmpty {
        plan.notes.append(
            "service '\(new.versionedName)': its vector changes under the same version; models that use it see the new one; "
                + "consider version \(new.version + 1)"
        )
    }
    return details + descriptionChange(old.description, new.description)
}

private func descriptionChange(_ old: String, _ new: String) -> [String] { old == new ? [] : ["~ description"] }

private func historyNote(_ view: String, _ old: HistoryLength, _ new: HistoryLength) -> String {
    let isShorter =
        switch (old, new) {
        case (_, .forever): false
        case (.forever, _): true
        case (.microseconds(let before), .microseconds(let after)): after < before
        }
    return isShorter
        ? "view '\(view)': history shortens to \(text(new)); older events are dropped and do not come back without a replay"
        : "view '\(view)': history lengthens to \(text(new)); events that are already dropped stay OUTSIDE_RETENTION until a replay"
}
