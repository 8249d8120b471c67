/// The known name that a mistyped one most likely means: the one at the smallest edit distance, if that is small.
func nearestName(to given: String, among known: [String]) -> String? {
    let lowered = given.lowercased()
    let limit = max(2, given.count / 3)
    let ranked = known.map { (name: $0, distance: editDistance(lowered, $0.lowercased())) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return nil }
    return best.name
}

/// The suffix `; did you mean 'name'?` of a message, empty where no known name is near.
package func suggestion(for given: String, among known: [String]) -> String {
    nearestName(to: given, among: known).map { "; did you mean '\($0)'?" } ?? ""
}

/// Levenshtein distance over characters.
private func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var row = Array(0...right.count)
    for (place, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = place + 1
        for (column, other) in right.enumerated() {
            let above = row[column + 1]
            row[column + 1] = character == other ? diagonal : min(diagonal, above, row[column]) + 1
            diagonal = above
        }
    }
    return row[right.count]
}
