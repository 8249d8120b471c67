import InterventionDSL
import JSON

extension SubspaceChoice {
    /// Reads a list of coordinates or of names of parts; nil for anything else.
    package init?(json value: JSONValue) {
        guard let list = value.array else { return nil }
        let names = list.compactMap(\.string)
        let coordinates = list.compactMap(\.integer)
        if coordinates.count == list.count {
            self = .coordinates(coordinates)
        } else if names.count == list.count {
            self = .parts(names)
        } else {
            return nil
        }
    }
}

extension RunInputReader {
    /// `"subspaces": {"loreft": [["style"], [0, 1], null]}`: for each declaration what each example chooses.
    mutating func readSubspaces(into examples: inout [Example]) {
        guard let value = self["subspaces"] else { return }
        guard case .object(let named) = value else {
            report("\"subspaces\" must be an object: {\"declaration\": [[coordinates or parts of sequence 0], …]}")
            return
        }
        for (name, value) in named.sortedPairs {
            guard let list = value.array else {
                report("subspaces.\(name) must be a list with one entry for each sequence")
                continue
            }
            guard matches(list.count, examples.count, "subspaces.\(name)") else { continue }
            for (index, entry) in list.enumerated() where entry != .null {
                if let choice = SubspaceChoice(json: entry) {
                    examples[index].subspaces[name] = choice
                } else {
                    report("subspaces.\(name)[\(index)] must be a list of coordinates or of names of parts")
                }
            }
        }
    }
}
