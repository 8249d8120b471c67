/// The candidate that a slip of the pen would turn into `name`, or nil if none is near: at most a third of the
/// letters, and at least two, may differ. Case counts for nothing; of equally near candidates the first in
/// alphabetical order is taken.
///
/// ```swift
/// nearestName(to: "block_ouput", among: ["block_input", "block_output"])   // "block_output"
/// ```
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let given = Array(name.lowercased().unicodeScalars)
    var best: (name: String, distance: Int)?
    for candidate in candidates.sorted() {
        let limit = best.map { $0.distance - 1 } ?? max(2, given.count / 3)
        let scalars = Array(candidate.lowercased().unicodeScalars)
        if let distance = editDistance(given, scalars, limit: limit) { best = (candidate, distance) }
    }
    return best?.name
}

/// The candidates that are most like a name, however far they are, the nearest first.
///
/// Names of paths are compared part by part of their ends too, so that `mlp.otput` is near `model.layers[l].mlp.output`.
public func nearestNames(to name: String, among candidates: some Sequence<String>, count: Int) -> [String] {
    let given = Array(name.lowercased().unicodeScalars)
    func distance(_ candidate: String) -> Int {
        let parts = candidate.lowercased().split(separator: ".")
        return parts.indices.map { start in
            let scalars = Array(parts[start...].joined(separator: ".").unicodeScalars)
            return editDistance(given, scalars, limit: max(given.count, scalars.count)) ?? .max
        }.min() ?? .max
    }
    let ranked = candidates.enumerated().map { (distance($1), $0, $1) }
    return ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(count).map(\.2)
}

/// The suffix `; did you mean 'name'?` of a message, empty where no candidate is near.
public func suggestion(for name: String, among candidates: some Sequence<String>) -> String {
    nearestName(to: name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
}

/// The Levenshtein distance, or nil when it exceeds `limit`.
private func editDistance(_ first: [Unicode.Scalar], _ second: [Unicode.Scalar], limit: Int) -> Int? {
    guard limit >= 0, abs(first.count - second.count) <= limit else { return nil }
    var row = Array(0...second.count)
    for (i, left) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, right) in second.enumerated() {
            let replaced = diagonal + (left == right ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
        if (row.min() ?? 0) > limit { return nil }
    }
    return row[second.count] <= limit ? row[second.count] : nil
}
