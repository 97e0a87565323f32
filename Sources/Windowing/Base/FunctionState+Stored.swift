// A function's state, as bytes, by what it is made of.

extension FunctionState {
    func write(to writer: inout StateWriter, _ heap: StringHeap) {
        switch self {
        case .integerMoments(let state): state.moments.write(to: &writer)
        case .doubleMoments(let state): state.moments.write(to: &writer)
        case .hashedSlots(let state): state.sketch.write(to: &writer)
        case .hashedStrings(let state): state.sketch.write(to: &writer)
        case .integerQuantiles(let state): state.sketch.write(to: &writer)
        case .doubleQuantiles(let state): state.sketch.write(to: &writer)
        case .distinctValues(let state): state.write(to: &writer)
        case .distinctStrings(let state): state.write(to: &writer)
        case .endValues(let state): state.write(to: &writer)
        case .endStrings(let state): state.write(to: &writer)
        case .decayedIntegers(let state): state.sum.write(to: &writer)
        case .decayedDoubles(let state): state.sum.write(to: &writer)
        case .decayedCount(let state): state.sum.write(to: &writer)
        case .groups(let state): state.write(to: &writer, heap)
        case .taken: break
        }
    }

    mutating func read(from reader: inout StateReader, _ heap: inout StringHeap) -> Bool {
        let fresh = self
        self = .taken
        var isRead = false
        switch consume fresh {
        case .integerMoments(var state):
            isRead = state.moments.read(from: &reader)
            self = .integerMoments(state)
        case .doubleMoments(var state):
            isRead = state.moments.read(from: &reader)
            self = .doubleMoments(state)
        case .hashedSlots(var state):
            isRead = state.sketch.read(from: &reader)
            self = .hashedSlots(state)
        case .hashedStrings(var state):
            isRead = state.sketch.read(from: &reader)
            self = .hashedStrings(state)
        case .integerQuantiles(var state):
            isRead = state.sketch.read(from: &reader)
            self = .integerQuantiles(state)
        case .doubleQuantiles(var state):
            isRead = state.sketch.read(from: &reader)
            self = .doubleQuantiles(state)
        case .distinctValues(var state):
            isRead = state.read(from: &reader)
            self = .distinctValues(state)
        case .distinctStrings(var state):
            isRead = state.read(from: &reader)
            self = .distinctStrings(state)
        case .endValues(var state):
            isRead = state.read(from: &reader)
            self = .endValues(state)
        case .endStrings(var state):
            isRead = state.read(from: &reader)
            self = .endStrings(state)
        case .decayedIntegers(var state):
            isRead = state.sum.read(from: &reader)
            self = .decayedIntegers(state)
        case .decayedDoubles(var state):
            isRead = state.sum.read(from: &reader)
            self = .decayedDoubles(state)
        case .decayedCount(var state):
            isRead = state.sum.read(from: &reader)
            self = .decayedCount(state)
        case .groups(var state):
            isRead = state.read(from: &reader, &heap)
            self = .groups(state)
        case .taken: break
        }
        return isRead
    }
}

/// `overflowed u8 | count | per category: value u64 or string, events, column state, function state if there is one`
extension GroupedStates {
    fileprivate func write(to writer: inout StateWriter, _ heap: StringHeap) {
        writer.append(hasOverflowed ? UInt8(1) : 0)
        writer.append(count: groups.count)
        for number in groups.indices {
            if categories.kind == .string {
                categories.withString(number) { writer.append(string: $0) }
            } else {
                writer.append(categories.slot(number))
            }
            writer.append(count: groups[number].eventCount)
            let column = grouping.column
            groups[number].column.write(to: &writer, column.kind, hasColumn: column.index != nil, heap)
            if grouping.kind != nil { states[number].write(to: &writer, heap) }
        }
    }

    fileprivate mutating func read(from reader: inout StateReader, _ heap: inout StringHeap) -> Bool {
        guard let overflowed = reader.read(UInt8.self), let count = reader.readCount(itemBytes: 3) else { return false }
        let column = grouping.column
        for place in 0..<count {
            let number: Int
            if categories.kind == .string {
                guard let string = reader.readString() else { return false }
                number = categories.number(of: string)
            } else {
                guard let slot = reader.read(UInt64.self) else { return false }
                number = categories.number(of: slot)
            }
            // The same category twice was never written.
            guard number == place, let events = reader.readNumber() else { return false }
            var group = Group()
            group.eventCount = Int64(truncatingIfNeeded: events)
            guard group.column.read(from: &reader, column.kind, hasColumn: column.index != nil, &heap) else {
                return false
            }
            groups.append(group)
            guard let kind = grouping.kind else { continue }
            var state = FunctionState(kind, column.kind)
            guard state.read(from: &reader, &heap) else { return false }
            states.append(state)
        }
        if overflowed != 0 { overflow() }
        return true
    }
}
