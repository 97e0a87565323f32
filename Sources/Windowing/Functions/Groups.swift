import FeatureModel

extension FunctionInput {
    /// `group_by`: a map from the `max_groups` categories with the most events to the function's value over each one's
    /// events, categories ascending. OVERFLOW beyond `max_distinct`, and when the value of one of these does not fit.
    func groups(of function: AggregateFunction, by type: ValueType) -> FunctionResult {
        guard case .groups(let groups)? = state?.pointee, let element = function.resultType(of: columnType)?.single
        else { return .null }
        if groups.isOverflowed { return .overflow }
        var entries: [FeatureValue.Entry] = []
        for number in groups.largest(parameters.maxGroups ?? FunctionParameters.maxGroupsDefault) {
            let category: FeatureValue =
                type == .string
                ? .string(groups.categories.string(number)) : value(groups.categories.slot(number), of: type)
            switch result(of: function, in: groups, number) {
            case .value(let slot):
                entries.append(FeatureValue.Entry(key: category, value: cells.value(slot, type: element)))
            case .null: entries.append(FeatureValue.Entry(key: category, value: .null))
            case .overflow: return .overflow
            }
        }
        return .value(cells.store { FeaturePayload.append(map: entries, to: &$0) })
    }

    /// The function's value over one category.
    private func result(of function: AggregateFunction, in groups: GroupedStates, _ number: Int) -> FunctionResult {
        withUnsafePointer(to: groups.groups[number].column) { column in
            groups.states.withUnsafeBufferPointer { states in
                let one = FunctionInput(
                    column: column,
                    state: states.isEmpty ? nil : states.baseAddress.map { $0 + number },
                    parameters: parameters,
                    columnType: columnType,
                    categoryType: nil,
                    asOf: asOf,
                    end: end,
                    events: events,
                    cells: cells
                )
                return one.result(of: function, count: column.pointee.count)
            }
        }
    }
}
