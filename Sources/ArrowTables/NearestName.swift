/// The existing name that `wanted` was most likely meant to be: the one with the fewest edits, when they are few (at
/// most a third of the wanted name's length, at least two). Case counts as no edit. Nil when none is near.
func nearestName(to wanted: String, in names: [String]) -> String? {
    let target = Array(wanted.lowercased().utf8)
    let limit = max(2, target.count / 3)
    var best: (name: String, edits: Int)?
    for name in names {
        let edits = editDistance(target, Array(name.lowercased().utf8))
        if edits <= limit, edits < best?.edits ?? .max { best = (name, edits) }
    }
    return best?.name
}

/// Levenshtein's distance, one row of the matrix at a time.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var previous = Array(0...b.count)
    for (i, left) in a.enumerated() {
        var current = [i + 1]
        for (j, right) in b.enumerated() {
            current.append(min(previous[j] + (left == right ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
        }
        previous = current
    }
    return previous[b.count]
}
