/// A graph whose uses of some values were redirected, and where its nodes went.
public struct RewiredGraph: Sendable {
    public var graph: ComputationGraph
    /// The new place of each node of the old graph.
    public var places: [NodeID]

    /// The place in the new graph of a value of the old one. Says nothing of what its users read now.
    public func value(_ old: ValueID) -> ValueID { ValueID(places[old.node], old.result) }
}

/// Nodes that depend on each other in a circle, in an order in which each is an input of the next
/// and the last an input of the first.
public struct GraphCycle: Error, Hashable, Sendable, CustomStringConvertible {
    public var nodes: [NodeID]
    /// Where the nodes come from, repeats left out.
    public var origins: [Provenance]

    public var description: String {
        "a value depends on itself: " + (origins + origins.prefix(1)).map(\.description).joined(separator: " → ")
    }
}

extension ComputationGraph {
    /// Lets the nodes before `end` use other values, then restores an order in which inputs come before their uses.
    ///
    /// A replacement is not itself looked up again, and nodes from `end` on keep their inputs: they may read what they
    /// replace. Sites whose value or module input is replaced refer to the replacement. The new order is the old one
    /// wherever that is possible.
    public func rewiring(
        _ replacements: [ValueID: ValueID], inNodesBefore end: NodeID
    ) throws(GraphCycle) -> RewiredGraph {
        var rewired = self
        for id in 0..<min(end, nodes.count) {
            for place in nodes[id].inputs.indices {
                if let other = replacements[nodes[id].inputs[place]] { rewired.nodes[id].inputs[place] = other }
            }
        }
        rewired.moveSites { replacements[$0] ?? $0 }
        return try rewired.sorted()
    }

    /// The same graph with every input before its uses; nodes that are in order keep it.
    private func sorted() throws(GraphCycle) -> RewiredGraph {
        var order: [NodeID] = []
        order.reserveCapacity(nodes.count)
        var places = [NodeID?](repeating: nil, count: nodes.count)
        var isOpen = [Bool](repeating: false, count: nodes.count)
        // A walk in depth with its own stack: graphs are deeper than the machine's.
        var path: [(node: NodeID, nextInput: Int)] = []
        for start in nodes.indices where places[start] == nil {
            path.append((start, 0))
            isOpen[start] = true
            while let (node, place) = path.last {
                if place < nodes[node].inputs.count {
                    path[path.count - 1].nextInput += 1
                    let input = nodes[node].inputs[place].node
                    if isOpen[input] { throw cycle(path.map(\.node), backTo: input) }
                    if places[input] == nil {
                        path.append((input, 0))
                        isOpen[input] = true
                    }
                } else {
                    places[node] = order.count
                    order.append(node)
                    isOpen[node] = false
                    path.removeLast()
                }
            }
        }
        let newPlaces = places.map { $0 ?? 0 }
        func moved(_ value: ValueID) -> ValueID { ValueID(newPlaces[value.node], value.result) }
        var sorted = self
        sorted.nodes = order.map { id in
            var node = nodes[id]
            node.inputs = node.inputs.map(moved)
            return node
        }
        sorted.moveSites(moved)
        return RewiredGraph(graph: sorted, places: newPlaces)
    }

    /// Lets sites refer to where their values are now.
    private mutating func moveSites(_ moved: (ValueID) -> ValueID) {
        for list in [\ComputationGraph.sites, \.moduleSites] {
            for place in self[keyPath: list].indices {
                self[keyPath: list][place].value = moved(self[keyPath: list][place].value)
                self[keyPath: list][place].moduleInput = self[keyPath: list][place].moduleInput.map(moved)
                self[keyPath: list][place].steps = self[keyPath: list][place].steps.map(moved)
            }
        }
    }

    /// The circle within a walk from users to inputs, turned into the direction in which values flow.
    private func cycle(_ path: [NodeID], backTo node: NodeID) -> GraphCycle {
        let circle = Array(path[(path.firstIndex(of: node) ?? 0)...].reversed())
        var origins: [Provenance] = []
        for origin in circle.map({ nodes[$0].provenance }) where origins.last != origin { origins.append(origin) }
        return GraphCycle(nodes: circle, origins: origins)
    }
}
