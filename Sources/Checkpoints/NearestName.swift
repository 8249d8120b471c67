/// The candidate with the smallest edit distance to `name`, or nil when all are too far away to be a misspelling.
func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.utf8)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let limit = best.map { $0.distance - 1 } ?? max(2, wanted.count / 3)
        guard let distance = editDistance(wanted, Array(candidate.utf8), limit: limit) else { continue }
        best = (candidate, distance)
    }
    return best?.name
}

/// The Levenshtein distance between two byte strings, or nil when it exceeds `limit`.
private func editDistance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int? {
    guard limit >= 0, abs(a.count - b.count) <= limit else { return nil }
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        var smallest = row[0]
        for (j, y) in b.enumerated() {
            let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
            diagonal = row[j + 1]
            row[j + 1] = cost
            smallest = min(smallest, cost)
        }
        if smallest > limit { return nil }
    }
    return row[b.count] <= limit ? row[b.count] : nil
}
