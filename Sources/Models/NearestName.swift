/// The candidate that a slip of the pen would turn into `name`, or nil if none is near.
///
/// Near is an edit distance of at most a third of the name, and at least 2.
func nearestName(to name: String, among candidates: [String]) -> String? {
    let given = Array(name.lowercased().unicodeScalars)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(given, Array(candidate.lowercased().unicodeScalars))
        if distance <= best.map({ $0.distance - 1 }) ?? max(2, given.count / 3) { best = (candidate, distance) }
    }
    return best?.name
}

/// Levenshtein's distance, one row of the table at a time.
private func editDistance(_ first: [Unicode.Scalar], _ second: [Unicode.Scalar]) -> Int {
    var row = Array(0...second.count)
    for (i, left) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, right) in second.enumerated() {
            let replaced = diagonal + (left == right ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
    }
    return row[second.count]
}
