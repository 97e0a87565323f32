public import FeatureModel

extension WindowPlan {
    /// Computes every aggregation and attribute for one entity at (T, K). A pure function of its arguments: a lookup as of T and a
    /// training cell at T are both this call. Tree nodes that it comes by remember their tiles.
    ///
    /// - Parameters:
    ///   - events: all events of the entity.
    ///   - asOf: T.
    ///   - knownAt: K; events that arrived later do not count.
    ///   - outputs: the cell in `cells` for each result, in the plan's order.
    public func evaluate(
        _ events: EntityEvents,
        asOf: Instant,
        knownAt: Instant,
        boundary: Boundary,
        into cells: FeatureCells,
        outputs: UnsafePointer<Int32>
    ) {
        let all = WindowInterval(allBefore: asOf, boundary: boundary)
        for group in versions {
            let version = events.newest(in: all, mask: group.mask, knownAt: knownAt.microseconds, layout)
            let kept = events.version(version, in: all, mask: group.mask, knownAt: knownAt.microseconds)
            group.finish(kept, asOf: asOf, events, into: cells, outputs: outputs)
        }
        guard !groups.isEmpty else { return }
        let isFound =
            events.hasEvent(in: all, knownAt: knownAt.microseconds) || events.base?.pointee.begins(in: all) ?? false
        for group in groups {
            let end = WindowInterval(asOf: asOf, length: nil, offset: group.offset, boundary: boundary)
            WindowEvaluation.with(group, layout, knownAt: knownAt.microseconds) { evaluation in
                let finishing = Finishing(
                    evaluation: evaluation,
                    events: events,
                    asOf: asOf,
                    offset: group.offset,
                    isFound: isFound,
                    cells: cells,
                    outputs: outputs
                )
                switch group.sweep {
                case .nested: sweepNested(group, evaluation, events, end, boundary, finishing)
                case .newest(let count, let mask):
                    var newest = NewestEvents(mask: mask, wanted: count)
                    events.add(&newest, in: end, to: evaluation)
                    // Fewer than asked for: the window reaches back to the beginning of time.
                    let start = newest.wanted > 0 ? Int64.min : newest.oldestTime
                    let isTouched = finishing.isTouched(by: newest, in: end)
                    for window in group.windows {
                        finishing.finish(window.outputs, start: start, isOutside: isTouched)
                    }
                case .series(let count, let step):
                    sweepSeries(group, evaluation, events, end, boundary, count: count, step: step, finishing)
                }
            }
        }
    }

    private func sweepNested(
        _ group: Group,
        _ evaluation: WindowEvaluation,
        _ events: EntityEvents,
        _ end: WindowInterval,
        _ boundary: Boundary,
        _ finishing: Finishing
    ) {
        var rest = end
        for window in group.windows {
            let interval = WindowInterval(
                asOf: finishing.asOf,
                length: window.length,
                offset: group.offset,
                boundary: boundary
            )
            events.add(rest.splitOff(from: interval.start), to: evaluation)
            guard window.length == nil, let base = events.base else {
                finishing.finish(window.outputs, start: interval.start, isOutside: finishing.isTouched(by: interval))
                continue
            }
            if base.pointee.lies(in: interval) { evaluation.merge(base) }
            finishing.finish(window.outputs, over: base, in: interval)
        }
    }

    private func sweepSeries(
        _ group: Group,
        _ evaluation: WindowEvaluation,
        _ events: EntityEvents,
        _ end: WindowInterval,
        _ boundary: Boundary,
        count: Int,
        step: Int64,
        _ finishing: Finishing
    ) {
        let outputs = group.windows.flatMap(\.outputs)
        var series = outputs.map { SeriesResult($0) }
        var rest = end
        for number in 1...Int64(max(1, count)) {
            let interval = WindowInterval(
                asOf: finishing.asOf,
                length: step * number,
                offset: group.offset,
                boundary: boundary
            )
            let end = finishing.asOf.advanced(by: -group.offset - step * (number - 1))
            evaluation.reset()
            events.add(rest.splitOff(from: interval.start), to: evaluation)
            for (place, output) in outputs.enumerated() {
                series[place].add(
                    withUnsafePointer(to: output) { finishing.input($0, end: end) },
                    start: interval.start,
                    isOutside: finishing.isTouched(by: interval)
                )
            }
        }
        for result in series { finishing.finish(result) }
    }
}
