@testable import FeatureModel
import Testing

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("sum", "summ", 1), ("SUM", "sum", 0), ("amuont", "amount", 1),
        ("kitten", "sitting", 3),
    ])
    func distances(a: String, b: String, expected: Int) {
        #expect(editDistance(a, b) == expected)
        #expect(editDistance(b, a) == expected)
    }

    @Test func onlyNearWordsAreSuggested() {
        #expect(nearestWord(to: "tme_window", among: ["name", "time_window"]) == "time_window")
        #expect(nearestWord(to: "x", among: ["y", "z"]) == "y")
        #expect(nearestWord(to: "online_store", among: ["project", "server"]) == nil)
        #expect(nearestWord(to: String(repeating: "a", count: 65), among: [String(repeating: "a", count: 65)]) == nil)
    }
}
