import Graph
import InterventionDSL
import ReFTPresets

extension Adapter {
    /// What is wrong with the shapes of its tensors as far as it shows without the model, a sentence each.
    ///
    /// The width of a site is the model's affair: the tensors of one application are right if there is a width with which
    /// its type has them. Types that a caller has made are left to the model.
    func shapeProblems() -> [String] {
        let declarations = program.runs.flatMap(\.declarations)
        var groups: [String: [String: ParameterValues]] = [:]
        for (name, values) in parameters where !TrainableWeights.isParameter(name) {
            let end = name.lastIndex(of: ".") ?? name.startIndex
            groups[String(name[..<end]), default: [:]][String(name[end...].drop { $0 == "." })] = values
        }
        var problems: [String] = []
        var owners: Set<String> = []
        for (group, tensors) in groups.sorted(by: { $0.key < $1.key }) {
            let named = declarations.filter { declaration in
                declaration.name.map { group == $0 || group.hasPrefix($0 + ".") } ?? false
            }
            guard let owner = named.max(by: { ($0.name ?? "").count < ($1.name ?? "").count }) else {
                problems += tensors.keys.sorted().map { "the tensor '\(group).\($0)' belongs to no declaration" }
                continue
            }
            owners.insert(owner.name ?? "")
            guard owner.intervention.hasKnownShapes, !owner.intervention.fits(tensors) else { continue }
            let shapes = tensors.sorted { $0.key < $1.key }.map { "\($0) [\($1.rows), \($1.columns)]" }
            problems.append(
                "the tensors of '\(group)' fit neither each other nor any width of a site: "
                    + shapes.joined(separator: ", "))
        }
        for declaration in declarations where declaration.shares == nil && declaration.intervention.hasKnownShapes {
            let name = declaration.name ?? ""
            let site = SiteShape(site: SiteID(.blockOutput), width: 1024, moduleInputWidth: 1024)
            if !owners.contains(name), !declaration.intervention.parameters(at: site).isEmpty {
                problems.append("there is no tensor of '\(name)'")
            }
        }
        return problems
    }
}

extension Intervention {
    /// Whether it is of a type of this package whose shapes follow from the width of a site and of its module's input.
    fileprivate var hasKnownShapes: Bool {
        !(self is Edit) && (.general + .reft as InterventionRegistry)[Self.kind] == Self.self
    }

    /// Whether these are the tensors of an application at a site of some width.
    fileprivate func fits(_ tensors: [String: Adapter.ParameterValues]) -> Bool {
        let extents = Set(tensors.values.flatMap { [$0.rows, $0.columns] }).sorted()
        return extents.contains { width in
            extents.contains { inputs in
                let site = SiteShape(site: SiteID(.blockOutput), width: width, moduleInputWidth: inputs)
                let specifications = parameters(at: site)
                return specifications.count == tensors.count
                    && specifications.allSatisfy { one in
                        tensors[one.name].map { ($0.rows, $0.columns) == (one.rows, one.columns) } ?? false
                    }
            }
        }
    }
}
