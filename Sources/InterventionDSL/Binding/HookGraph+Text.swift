import Graph
import JSON

extension HookGraph: CustomStringConvertible {
    /// Runs, hooks with what they read and write, parameters, order and notes, for people.
    public var description: String {
        var lines = [summary]
        for run in runs {
            lines.append("\(run):" + (hooks.contains { $0.site.run == run } ? "" : " no interventions"))
            for hook in hooks where hook.site.run == run { lines += hook.lines }
        }
        lines += trainableLines
        let tied = parameters.filter { $0.hooks.count > 1 }
        if !tied.isEmpty {
            lines.append("tied parameters:")
            lines += tied.map { "  \($0.name) by \($0.hooks.count) edits" }
        }
        if !selections.isEmpty {
            lines.append("selections:")
            lines += selections.map(\.line)
        }
        if !notes.isEmpty {
            lines.append("notes:")
            lines += notes.map { "  \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What each pattern matches, every tensor under the first pattern that names it.
    private var trainableLines: [String] {
        guard !trainable.isEmpty else { return [] }
        var lines = ["trained weights:"]
        var shown: Set<String> = []
        for bound in trainable {
            let tensors = "\(bound.weights.count) " + (bound.weights.count == 1 ? "tensor" : "tensors")
            lines.append("  \(bound.pattern): \(tensors), \(bound.count) numbers   ; \(bound.location)")
            for weight in bound.weights where shown.insert(weight).inserted {
                guard let parameter = parameters.first(where: { $0.weight == weight }) else { continue }
                let specification = parameter.specification
                lines.append("     parameter \(parameter.name) [\(specification.rows), \(specification.columns)]")
            }
        }
        return lines
    }

    private var summary: String {
        let edits = "\(hooks.count) " + (hooks.count == 1 ? "edit" : "edits")
        return "\(edits) in order, \(parameters.count) parameter tensors, \(parameterCount) trained numbers"
    }
}

extension Hook {
    fileprivate var lines: [String] {
        let kind = type(of: intervention).kind
        let factor =
            (scale == 1 ? "" : ", scaled by \(scale)")
            + branches.map { ", weight \($0.weight) in average \($0.group)" }.joined()
        let rows = selection.map { "\(positions) = \($0.name)" } ?? "all rows"
        let within = subspace.map { ", in \($0)" } ?? ""
        var lines = [
            "  #\(declarationIndex) \(name): \(kind) on \(shape) [\(shape.width)] at \(rows)\(factor)\(within)   ; \(location)"
        ]
        for source in sources {
            lines.append("     reads \(source.site)" + (source.selection.map { " at \($0.name)" } ?? ""))
        }
        for constant in intervention.sources.compactMap(\.constant) {
            switch constant {
            case .numbers(let rows) where rows.count == 1:
                lines.append("     reads a constant of \(constant.columns) numbers")
            case .numbers: lines.append("     reads a constant of \(constant.rows) rows of \(constant.columns) numbers")
            case .reference(let reference):
                let rows = constant.rows == 1 ? "" : ", \(constant.rows) rows"
                lines.append("     reads the constant \(reference)\(rows)")
            }
        }
        for parameter in parameters {
            let specification = parameter.specification
            let constraint = specification.constraint == .none ? "" : " \(specification.constraint.rawValue)"
            lines.append(
                "     parameter \(parameter.fullName) [\(specification.rows), \(specification.columns)]\(constraint)")
        }
        return lines
    }
}

extension Selection {
    fileprivate var line: String {
        "  \(name): \(run) at \(positions)" + (rowSpace == .tokens ? "" : " among \(rowSpace.rawValue) rows")
            + (pairedRun.map { ", as many as \(pairedWith ?? "all rows") of \($0)" } ?? "")
    }
}

// MARK: - JSON

extension HookGraph {
    /// The same as a JSON document.
    public func json() throws -> String {
        JSONValue.object([
            .init("runs", .array(runs.map(JSONValue.string))),
            .init("trained_numbers", .integer(parameterCount)),
            .init("edits", .array(hooks.map(\.json))),
            .init("parameters", .array(parameters.map(\.json))),
            .init(
                "trainable",
                .array(
                    trainable.map { bound in
                        .object([
                            .init("pattern", .string(bound.pattern)), .init("location", .string("\(bound.location)")),
                            .init("weights", .array(bound.weights.map(JSONValue.string))),
                            .init("numbers", .integer(bound.count)),
                        ])
                    })),
            .init("selections", .array(selections.map(\.json))),
            .init("notes", .array(notes.map { .string("\($0)") })),
        ]).text
    }
}

extension Hook {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("declaration", .integer(declarationIndex)), .init("name", .string(name)),
            .init("type", .string(type(of: intervention).kind)), .init("location", .string("\(location)")),
            .init("run", .string(site.run)), .init("component", .string(site.component.rawValue)),
        ]
        if let layer = site.layer { members.append(.init("layer", .integer(layer))) }
        if let head = shape.head { members.append(.init("head", .integer(head))) }
        members.append(.init("width", .integer(shape.width)))
        members.append(.init("positions", .string(positions.description)))
        if let selection { members.append(.init("selection", .string(selection.name))) }
        if let subspace { members.append(.init("subspace", .string("\(subspace)"))) }
        members.append(.init("scale", .number(scale)))
        if !branches.isEmpty { members.append(.init("weights", .array(branches.map { .number($0.weight) }))) }
        members.append(.init("parameters", .array(parameters.map { .string($0.fullName) })))
        members.append(
            .init(
                "reads",
                .array(
                    sources.map { source in
                        .object(
                            [.init("site", .string("\(source.site)"))]
                                + (source.selection.map { [.init("selection", .string($0.name))] } ?? []))
                    })))
        return .object(members)
    }
}

extension BoundParameter {
    fileprivate var json: JSONValue {
        .object([
            .init("name", .string(name)),
            .init("shape", .array([.integer(specification.rows), .integer(specification.columns)])),
            .init("constraint", .string(specification.constraint.rawValue)),
            .init("edits", .array(hooks.map(JSONValue.integer))),
        ])
    }
}

extension Selection {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(name)), .init("run", .string(run)),
            .init("positions", .string(positions.description)), .init("rows", .string(rowSpace.rawValue)),
        ]
        if let pairedRun { members.append(.init("paired_run", .string(pairedRun))) }
        if let pairedWith { members.append(.init("paired_with", .string(pairedWith))) }
        return .object(members)
    }
}
