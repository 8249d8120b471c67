import SwiftReFT

/// What `--subspace NAME=LIST` says: `loreft=style,topic` or `loreft=0,1`; `loreft=` switches the edit off.
enum SubspaceArguments {
    /// The choices by the names of declarations.
    /// - Throws: ``CommandError`` for an argument without a name or of mixed entries, or a name given twice.
    static func parse(_ arguments: [String]) throws -> [String: SubspaceChoice] {
        var choices: [String: SubspaceChoice] = [:]
        for argument in arguments {
            let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, !sides[0].isEmpty else {
                throw CommandError(
                    "--subspace '\(argument)' must be NAME=PARTS or NAME=COORDINATES, as loreft=style,topic")
            }
            guard choices[sides[0]] == nil else { throw CommandError("--subspace '\(sides[0])' is given twice") }
            let entries = sides[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if sides[1].isEmpty {
                choices[sides[0]] = .coordinates([])
            } else if entries.contains("") {
                throw CommandError("--subspace '\(argument)': an entry is empty")
            } else {
                let numbers = entries.compactMap { Int($0) }
                choices[sides[0]] = numbers.count == entries.count ? .coordinates(numbers) : .parts(entries)
            }
        }
        return choices
    }
}
