import FeatureModel
import FeatureServer

/// How much earlier than its label's time a cell is read: `--embargo 1h`, and for single views `--embargo spending=2h`.
struct TrainingEmbargo {
    /// Microseconds, of views that have none of their own.
    let all: Int64
    /// Microseconds, by view.
    let views: [String: Int64]

    init(_ arguments: [String]) throws {
        var all: Int64?
        var views: [String: Int64] = [:]
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let view = parts.count == 2 ? String(parts[0]) : nil
            guard view != "", let length = TimeWindow.microseconds(in: String(parts.last ?? "")),
                length <= TimeWindow.longest
            else {
                throw Failure(
                    .usage,
                    "--embargo: '\(argument)' is not a duration, nor view=duration; write for example 1h or spending=2h"
                )
            }
            if let view {
                guard views.updateValue(length, forKey: view) == nil else {
                    throw Failure(.usage, "--embargo: view '\(view)' is given twice")
                }
            } else {
                guard all == nil else { throw Failure(.usage, "--embargo is given twice for all views") }
                all = length
            }
        }
        self.all = all ?? 0
        self.views = views
    }

    /// What a manifest says.
    init(_ rules: TrainingSetManifest.TimeRules) throws {
        try self.init([rules.embargo] + rules.viewEmbargo.map { "\($0.key)=\($0.value)" })
    }

    /// The embargo of a feature, in microseconds: its view's; a derived feature has the longest of its own view and those of
    /// its inputs, since it reads all of them at one instant.
    func length(of feature: SnapshotMessage.Feature) -> Int64 {
        feature.views.map { views[$0] ?? all }.max() ?? all
    }

    /// Names a view that none of the features uses.
    func check(_ features: [SnapshotMessage.Feature]) throws {
        let known = features.flatMap(\.views)
        guard let unknown = views.keys.sorted().first(where: { !known.contains($0) }) else { return }
        let names = Array(Set(known)).sorted()
        throw Failure(
            .usage,
            "--embargo: no feature of the service is of a view '\(unknown)'"
                + hint(for: unknown, among: names, title: "views")
        )
    }

    /// `0s`, `1h`, `1h,spending=2h`.
    var text: String {
        ([Self.text(all)] + views.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.text($0.value))" })
            .joined(separator: ",")
    }

    static func text(_ microseconds: Int64) -> String { TimeWindow.text(microseconds: microseconds) }
}
