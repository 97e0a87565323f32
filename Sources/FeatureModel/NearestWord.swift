// "did you mean": the valid word with the smallest edit distance.

/// The number of letters to insert, delete, replace or swap with their neighbour to turn one word into the other
/// (optimal string alignment), over UTF-8 bytes and without regard to ASCII case.
func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (a.lowercasedASCII, b.lowercasedASCII)
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in 0..<a.count {
        var current = [i + 1]
        for j in 0..<b.count {
            var best = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforePrevious[j - 1] + 1) }
            current.append(best)
        }
        (beforePrevious, previous) = (previous, current)
    }
    return previous[b.count]
}

/// The valid word that a mistyped one most likely stands for: at most a third of its letters (and at least one) differ,
/// or the valid word goes on where this one ends (`epoch`, `epoch_s`). Of equally near words the first one wins. Long
/// words and long lists are not searched to the end, as the words come from outside.
public func nearestWord(to word: String, among candidates: some Sequence<String>) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let limit = max(1, word.utf8.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in candidates.prefix(2000) {
        let isLonger = word.utf8.count >= 3 && candidate.hasPrefix(word)
        guard isLonger || abs(candidate.utf8.count - word.utf8.count) <= limit else { continue }
        let distance = isLonger ? 1 : editDistance(word, candidate)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}

/// `; did you mean 'sum'?`, or the list of valid words when none is near.
///
/// - Parameter title: what the list is called, such as `valid keys`.
public func hint(for word: String, among candidates: [String], title: String) -> String {
    if let nearest = nearestWord(to: word, among: candidates) { return "; did you mean '\(nearest)'?" }
    guard !candidates.isEmpty else { return "; there are no \(title)" }
    let shown = candidates.prefix(20).joined(separator: ", ")
    return "; \(title): \(shown)" + (candidates.count > 20 ? ", ..." : "")
}

extension String {
    fileprivate var lowercasedASCII: [UInt8] { utf8.map { (65...90).contains($0) ? $0 + 32 : $0 } }
}
