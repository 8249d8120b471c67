extension ComputationGraph {
    /// The graph as text, one line for each node, the same for the same graph.
    ///
    ///     %12 = matmul(%3, %7ᵀ) [base.rows, 64]   ; model.layers.0.mlp   @ mlp_output.0
    ///
    /// A line gives the results, the operation with its inputs and attributes, the types, the provenance, and the sites
    /// among the results.
    /// - Parameters:
    ///   - outputs: Shows only what these values depend on; everything if nil.
    ///   - modules: Module paths, `model.layers.0`, each of whose unbroken runs of nodes is one line.
    public func text(of outputs: [ValueID]? = nil, folding modules: [String] = []) -> String {
        let sites = sitesByValue()
        let lines = printedItems(shownNodes(outputs), folding: modules).map { item in
            switch item {
            case .node(let id): line(id, sites)
            case .module(let module): line(module, sites)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The line of one node in ``text(of:folding:)``.
    public func line(of id: NodeID) -> String {
        let results = nodes[id].results.indices.map { ValueID(id, $0) }
        return line(id, Dictionary(grouping: sites.filter { results.contains($0.value) }, by: \.value))
    }

    private func line(_ id: NodeID, _ sites: [ValueID: [Site]]) -> String {
        let node = nodes[id]
        let values = node.results.indices.map { ValueID(id, $0) }
        let types = node.results.map(\.description).joined(separator: ", ")
        return "\(listed(values)) = \(expression(of: id)) \(types)   ; \(node.provenance)" + marks(values, sites)
    }

    private func line(_ module: FoldedModule, _ sites: [ValueID: [Site]]) -> String {
        let count = module.count == 1 ? "1 node" : "\(module.count) nodes"
        let types = module.outputs.map { type(of: $0).description }.joined(separator: ", ")
        return "\(listed(module.outputs)) = {\(count)}(\(listed(module.inputs))) \(types)   ; \(module.path)"
            + marks(module.outputs, sites)
    }

    private func listed(_ values: [ValueID]) -> String { values.map(\.description).joined(separator: ", ") }

    private func marks(_ values: [ValueID], _ sites: [ValueID: [Site]]) -> String {
        let ids = values.flatMap { sites[$0] ?? [] }.map(\.id.description)
        return ids.isEmpty ? "" : "   @ " + ids.joined(separator: ", ")
    }

    /// `matmul(%3, %7ᵀ)`: the name, the inputs, then the attributes.
    func expression(of id: NodeID) -> String {
        let operation = nodes[id].operation
        switch operation {
        case .input(let name), .weight(let name), .parameter(let name):
            return "\(operation.name) \(name)"
        case .constant(let index):
            return constants.indices.contains(index) ? "constant \(constants[index].name)" : "constant \(index)"
        case .scalar(let number):
            return "scalar \(shortened(number))"
        default:
            var parts = nodes[id].inputs.map(\.description)
            if case .matmul(let transposeLeft, let transposeRight) = operation {
                if transposeLeft, !parts.isEmpty { parts[0] += "ᵀ" }
                if transposeRight, parts.count > 1 { parts[1] += "ᵀ" }
            } else {
                parts += operation.attributes.map { "\($0.name): \($0.value.text)" }
            }
            return "\(operation.name)(\(parts.joined(separator: ", ")))"
        }
    }
}

extension AttributeValue {
    /// As a reader writes it; whole numbers without a fraction.
    var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): shortened(value)
        case .flag(let value): "\(value)"
        case .text(let value): value
        }
    }
}

/// The shortest text that reads back as the same number, whole numbers without a fraction.
func shortened(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
}
