import Diagnostics
import InterventionDSL

extension Session {
    /// What is wrong with the subspaces that the examples of a run choose, before anything runs.
    func subspaceProblems(_ examples: [Example], run: String = Program.baseName, numbers: [Int]? = nil) -> [String] {
        let masks = hookGraph.masks.filter { $0.run == run }
        let known = Set(masks.map(\.declaration)).sorted()
        var problems: [String] = []
        for (place, example) in examples.enumerated() {
            let index = numbers?[place] ?? place
            for (name, choice) in example.subspaces.sorted(by: { $0.key < $1.key }) {
                guard known.contains(name) else {
                    problems.append(
                        "sequence \(index) chooses a subspace of '\(name)'; declarations whose subspace is chosen per "
                            + "example: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
                            + suggestion(for: name, among: known))
                    continue
                }
                for mask in masks where mask.declaration == name {
                    do throws(InterventionError) {
                        _ = try mask.coordinates(of: choice, sequence: index)
                    } catch {
                        if !problems.contains("\(error)") { problems.append("\(error)") }
                    }
                }
            }
        }
        return problems
    }
}
