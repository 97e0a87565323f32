extension ColumnAccumulator: TileState {
    var heapBytes: Int { doubleSum.heapBytes }
}

extension FunctionState: TileState {
    var heapBytes: Int {
        switch self {
        case .integerMoments(let state): state.moments.heapBytes
        case .doubleMoments(let state): state.moments.heapBytes
        case .hashedSlots(let state): state.sketch.heapBytes
        case .hashedStrings(let state): state.sketch.heapBytes
        case .integerQuantiles(let state): state.sketch.buckets.heapBytes
        case .doubleQuantiles(let state): state.sketch.buckets.heapBytes
        case .distinctValues(let state): state.entries.heapBytes + state.pending.capacity * MemoryLayout<UInt64>.stride
        case .distinctStrings(let state): state.heapBytes
        case .endValues(let state): state.heapBytes
        case .endStrings(let state): state.heapBytes
        case .decayedIntegers(let state): state.sum.bands.heapBytes
        case .decayedDoubles(let state): state.sum.bands.heapBytes
        case .decayedCount(let state): state.sum.bands.heapBytes
        case .groups(let state): state.heapBytes
        case .taken: 0
        }
    }
}
