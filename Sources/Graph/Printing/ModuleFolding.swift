/// Nodes that a printer shows as one, because the reader does not care for the inside of their module.
struct FoldedModule {
    var path: String
    var nodes: ClosedRange<NodeID>
    /// How many of them are shown.
    var count: Int
    /// Values from outside that the module reads, ascending.
    var inputs: [ValueID]
    /// Values that others read, or that are sites, ascending.
    var outputs: [ValueID]
}

/// What a printer shows next: a node, or a module that stands for several.
enum PrintedItem {
    case node(NodeID)
    case module(FoldedModule)
}

extension ComputationGraph {
    /// The shown nodes in order; an unbroken run of nodes from one of the given modules becomes one item. A declaration
    /// that edits inside a module breaks the run, so that it stays visible.
    func printedItems(_ shown: [Bool], folding modules: [String]) -> [PrintedItem] {
        var items: [PrintedItem] = []
        var run: (path: String, first: NodeID, last: NodeID)?
        func close() {
            if let run { items.append(.module(folded(run.path, run.first...run.last, shown))) }
            run = nil
        }
        for id in nodes.indices where shown[id] {
            let path = modules.first { nodes[id].provenance.isInside($0) }
            if let path, let open = run, open.path == path {
                run = (path, open.first, id)
            } else {
                close()
                if let path { run = (path, id, id) } else { items.append(.node(id)) }
            }
        }
        close()
        return items
    }

    private func folded(_ path: String, _ range: ClosedRange<NodeID>, _ shown: [Bool]) -> FoldedModule {
        var inputs: Set<ValueID> = []
        for id in range where shown[id] { inputs.formUnion(nodes[id].inputs.filter { !range.contains($0.node) }) }
        var outputs = Set(sites.map(\.value).filter { range.contains($0.node) && shown[$0.node] })
        for id in nodes.indices where shown[id] && !range.contains(id) {
            outputs.formUnion(nodes[id].inputs.filter { range.contains($0.node) })
        }
        return FoldedModule(
            path: path, nodes: range, count: range.count { shown[$0] }, inputs: inputs.sorted(),
            outputs: outputs.sorted())
    }

    /// The nodes that the values depend on, or all.
    func shownNodes(_ outputs: [ValueID]?) -> [Bool] {
        guard let outputs else { return [Bool](repeating: true, count: nodes.count) }
        return ancestors(of: outputs.filter(contains))
    }

    /// The sites of each value, in the order of their declaration.
    func sitesByValue() -> [ValueID: [Site]] { Dictionary(grouping: sites, by: \.value) }
}

extension Provenance {
    /// Whether a node comes from the module or from one inside it.
    func isInside(_ module: String) -> Bool {
        guard case .model(let path) = self else { return false }
        return path == module || path.hasPrefix(module + ".")
    }
}
