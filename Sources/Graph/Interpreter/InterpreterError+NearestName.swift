/// The name with the fewest single-character edits from `name`, if there are few enough to be a slip.
func nearestName(to name: String, among names: [String]) -> String? {
    let scored = names.map { (name: $0, distance: editDistance(Array(name), Array($0))) }
    let best = scored.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    guard let best, best.distance <= max(2, name.count / 3) else { return nil }
    return best.name
}

/// Levenshtein's distance: insertions, deletions and replacements.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var previous = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var current = [i + 1]
        for (j, other) in right.enumerated() {
            current.append(min(previous[j] + (character == other ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
        }
        previous = current
    }
    return previous[right.count]
}
