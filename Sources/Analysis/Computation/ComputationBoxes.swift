import Graph
import InterventionDSL

/// A changed computation graph as boxes and arrows: what the program added or redirected node by node, everything between
/// as one box.
///
/// Weights, parameters and inputs have no box: they are named in the line of what reads them.
struct ComputationBoxes {
    struct Item {
        /// The nodes, in order; several where they are folded.
        var nodes: [NodeID]
        var change: SplicedDifference.Change
        /// Its declaration, where the program added it.
        var declaration: String?
        /// The layers or modules of folded nodes, in order.
        var paths: [String] = []
        var lines: [String] = []
        /// Items that it reads, each once.
        var inputs: [Arrow] = []
        /// Its distance from the first box, in boxes.
        var rank = 0

        var isFolded: Bool { change == .kept }
    }

    struct Arrow: Hashable {
        var source: Int
        /// Whether it takes the place of another one.
        var isRewired: Bool
    }

    private(set) var items: [Item] = []

    init(_ difference: SplicedDifference) {
        let graph = difference.after
        let users = graph.users()
        let named = Set(graph.sites.map(\.value.node))
        var itemOf = [Int?](repeating: nil, count: graph.nodes.count)
        for (id, node) in graph.nodes.enumerated() where !node.inputs.isEmpty {
            // What an edit builds and does not use is never computed.
            guard !users[id].isEmpty || named.contains(id) else { continue }
            let change = difference.changes[id]
            if change == .kept {
                fold(id, Self.layerPath(node.provenance))
            } else {
                var declaration: String?
                if case .declaration(_, let name) = node.provenance { declaration = name }
                items.append(
                    Item(nodes: [id], change: change, declaration: declaration, lines: Self.lines(id, graph)))
            }
            itemOf[id] = items.count - 1
        }
        connect(difference, itemOf)
        for place in items.indices {
            if items[place].isFolded {
                let (paths, count) = (items[place].paths, items[place].nodes.count)
                let span = paths.count > 1 ? "\(paths[0]) … \(paths[paths.count - 1])" : paths.first ?? ""
                items[place].lines = [span, "\(count) node\(count == 1 ? "" : "s"), unchanged"]
            }
        }
        rank()
    }

    /// What begins nowhere stands just above its first reader.
    private mutating func rank() {
        for place in items.indices {
            items[place].rank = items[place].inputs.map { items[$0.source].rank + 1 }.max() ?? 0
        }
        var firstReader: [Int: Int] = [:]
        for item in items {
            for arrow in item.inputs { firstReader[arrow.source] = min(firstReader[arrow.source] ?? .max, item.rank) }
        }
        for (place, rank) in firstReader where items[place].inputs.isEmpty { items[place].rank = max(0, rank - 1) }
    }

    /// Joins the box before, unless that has been at this layer already: then another run of the model begins.
    private mutating func fold(_ id: NodeID, _ path: String) {
        if let last = items.last, last.isFolded, last.paths.last == path || !last.paths.contains(path) {
            items[items.count - 1].nodes.append(id)
            if last.paths.last != path { items[items.count - 1].paths.append(path) }
        } else {
            items.append(Item(nodes: [id], change: .kept, paths: [path]))
        }
    }

    private mutating func connect(_ difference: SplicedDifference, _ itemOf: [Int?]) {
        for (id, node) in difference.after.nodes.enumerated() {
            guard let target = itemOf[id] else { continue }
            var before: [ValueID] = []
            if case .rewired(let inputs) = difference.changes[id] { before = inputs }
            for (place, input) in node.inputs.enumerated() {
                guard let source = itemOf[input.node], source != target else { continue }
                // Between unchanged boxes only the way from one to the next is shown, not what all layers share.
                if items[source].isFolded, items[target].isFolded, source != target - 1 { continue }
                let isRewired = before.indices.contains(place) && before[place] != input
                let arrow = Arrow(source: source, isRewired: isRewired)
                if !items[target].inputs.contains(arrow) { items[target].inputs.append(arrow) }
            }
        }
    }

    /// `model.layers.3` of `model.layers.3.mlp.up_proj`; other paths are cut after two parts.
    private static func layerPath(_ provenance: Provenance) -> String {
        guard case .model(let path) = provenance else { return "\(provenance)" }
        let parts = path.split(separator: ".")
        let number = parts.firstIndex { $0.allSatisfy(\.isNumber) }
        return parts.prefix(number.map { $0 + 1 } ?? 2).joined(separator: ".")
    }

    /// `matmul(%992, ends.12.f7.weightᵀ) [select.3.rows, 4]` and where it comes from.
    private static func lines(_ id: NodeID, _ graph: ComputationGraph) -> [String] {
        var text = graph.line(of: id)
        for input in graph.nodes[id].inputs {
            let name: String
            switch graph.nodes[input.node].operation {
            case .input(let given), .weight(let given), .parameter(let given): name = given
            case .scalar(let number): name = number.short
            default: continue
            }
            for mark in [",", ")", "ᵀ"] { text = text.replacing("\(input)\(mark)", with: name + mark) }
        }
        let parts = text.split(separator: ";", maxSplits: 1).map { $0.trimmingSpaces }
        return parts.isEmpty ? [text] : parts
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
