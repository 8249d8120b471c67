import Foundation
import InterventionDSL

extension SubspaceChoice {
    /// Reads a list of coordinates or of names of parts; nil for anything else.
    package init?(json value: Any) {
        guard let list = value as? [Any] else { return nil }
        if let names = list as? [String], !names.isEmpty {
            self = .parts(names)
            return
        }
        var coordinates: [Int] = []
        for entry in list {
            guard let number = entry as? NSNumber, !number.isBoolean, number.isInteger,
                let coordinate = Int(exactly: number.int64Value)
            else { return nil }
            coordinates.append(coordinate)
        }
        self = .coordinates(coordinates)
    }
}

extension RunInputReader {
    /// `"subspaces": {"loreft": [["style"], [0, 1], null]}`: for each declaration what each example chooses.
    mutating func readSubspaces(into examples: inout [Example]) {
        guard let value = object["subspaces"] else { return }
        guard let named = value as? [String: Any] else {
            report("\"subspaces\" must be an object: {\"declaration\": [[coordinates or parts of sequence 0], …]}")
            return
        }
        for name in named.keys.sorted() {
            guard let list = named[name] as? [Any] else {
                report("subspaces.\(name) must be a list with one entry for each sequence")
                continue
            }
            guard matches(list.count, examples.count, "subspaces.\(name)") else { continue }
            for (index, entry) in list.enumerated() where !(entry is NSNull) {
                if let choice = SubspaceChoice(json: entry) {
                    examples[index].subspaces[name] = choice
                } else {
                    report("subspaces.\(name)[\(index)] must be a list of coordinates or of names of parts")
                }
            }
        }
    }
}
