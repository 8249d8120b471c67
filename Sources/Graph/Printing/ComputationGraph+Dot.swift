extension ComputationGraph {
    /// The graph in Graphviz's language: `dot -Tsvg`.
    ///
    /// Inputs are ovals, weights and constants grey boxes, trained parameters green, what declarations add orange, and
    /// gradients blue. Sites have a thick border and their name below the operation.
    /// - Parameters:
    ///   - outputs: Shows only what these values depend on; everything if nil.
    ///   - modules: Module paths, each of whose unbroken runs of nodes is one box.
    public func dot(of outputs: [ValueID]? = nil, folding modules: [String] = []) -> String {
        let items = printedItems(shownNodes(outputs), folding: modules)
        let sites = sitesByValue()
        var boxes: [NodeID: NodeID] = [:]
        for case .module(let module) in items {
            for id in module.nodes { boxes[id] = module.nodes.lowerBound }
        }
        var lines = [
            "digraph computation {", "  rankdir=TB;", "  node [shape=box, fontname=\"Helvetica\", fontsize=10];",
            "  edge [fontname=\"Helvetica\", fontsize=8];",
        ]
        var edges: [String] = []
        for item in items {
            switch item {
            case .node(let id):
                lines.append(box(id, sites))
                edges += nodes[id].inputs.map { edge(from: $0, to: id, boxes) }
            case .module(let module):
                lines.append(box(module, sites))
                edges += module.inputs.map { edge(from: $0, to: module.nodes.lowerBound, boxes) }
            }
        }
        return (lines + edges + ["}"]).map { $0 + "\n" }.joined()
    }

    private func box(_ id: NodeID, _ sites: [ValueID: [Site]]) -> String {
        let node = nodes[id]
        let names = node.results.indices.flatMap { sites[ValueID(id, $0)] ?? [] }.map(\.id.description)
        let types = node.results.map(\.description).joined(separator: ", ")
        let attributes = node.operation.leafName == nil ? node.operation.attributes : []
        let shown = attributes.map { "\($0.name) \($0.value.text)" }.joined(separator: ", ")
        let leaf = node.inputs.isEmpty ? expression(of: id) : node.operation.name
        let label = ([leaf, node.inputs.isEmpty ? "" : shown, types] + names).filter { !$0.isEmpty }
        var style = node.style
        if !names.isEmpty { style += ", penwidth=2" }
        return "  n\(id) [label=\(quoted(label)), tooltip=\(quoted([node.provenance.description]))\(style)];"
    }

    private func box(_ module: FoldedModule, _ sites: [ValueID: [Site]]) -> String {
        let names = module.outputs.flatMap { sites[$0] ?? [] }.map(\.id.description)
        let border = names.isEmpty ? "" : ", penwidth=2"
        let label = quoted([module.path, "\(module.count) node\(module.count == 1 ? "" : "s")"] + names)
        return "  n\(module.nodes.lowerBound) [label=\(label), shape=box3d\(border)];"
    }

    private func edge(from value: ValueID, to target: NodeID, _ boxes: [NodeID: NodeID]) -> String {
        let mark = value.result == 0 ? "" : " [label=\"\(value.result)\"]"
        return "  n\(boxes[value.node] ?? value.node) -> n\(target)\(mark);"
    }

    /// Lines as one string of the dot language.
    private func quoted(_ lines: [String]) -> String {
        let escaped = lines.map { line in
            line.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
        }
        return "\"\(escaped.joined(separator: "\\n"))\""
    }
}

extension Node {
    fileprivate var style: String {
        switch operation {
        case .input: return ", shape=oval"
        case .weight, .constant, .scalar: return ", style=filled, fillcolor=\"#eeeeee\""
        case .parameter: return ", style=filled, fillcolor=\"#c8e6c9\""
        default: break
        }
        switch provenance {
        case .declaration: return ", style=filled, fillcolor=\"#ffe0b2\""
        case .gradient: return ", style=filled, fillcolor=\"#bbdefb\""
        case .recomputed: return ", style=filled, fillcolor=\"#e1f5fe\""
        case .model, .demand, .loss, .user: return ""
        }
    }
}
