/// A computation on matrices: nodes in an order in which inputs come before their uses, and the sites among their values.
///
/// A graph is a value. It is built with a ``GraphBuilder``, changed by passes that return a new graph, checked by
/// ``verify()`` and printed with ``text(of:)``.
public struct ComputationGraph: Sendable {
    public internal(set) var nodes: [Node] = []
    /// The sites in the order in which the model reaches them.
    public internal(set) var sites: [Site] = []
    /// The inputs and outputs of all modules with tensors, by path; many are no component's.
    public internal(set) var moduleSites: [Site] = []
    /// The constant tensors that ``Operation/constant(_:)`` refers to.
    public internal(set) var constants: [ConstantTensor] = []

    /// An empty graph.
    public init() {}

    /// The type of a value of this graph.
    public func type(of value: ValueID) -> ValueType { nodes[value.node].results[value.result] }

    /// The site with this address, of a component or of a module.
    public func site(_ id: SiteID) -> Site? {
        sites.first { $0.id == id } ?? moduleSites.first { $0.id == id }
    }

    /// All sites by their addresses, for those who ask for many: what ``site(_:)`` gives for each.
    public func sitesByAddress() -> [SiteID: Site] {
        Dictionary((sites + moduleSites).map { ($0.id, $0) }) { first, _ in first }
    }

    /// For each node, the nodes that use any of its results.
    public func users() -> [[NodeID]] {
        var users = [[NodeID]](repeating: [], count: nodes.count)
        for (id, node) in nodes.enumerated() {
            for input in node.inputs where users[input.node].last != id { users[input.node].append(id) }
        }
        return users
    }

    /// Every input, weight or parameter that the given values depend on, in the order of first use.
    public func leaves(of values: [ValueID]) -> [NodeID] {
        let needed = ancestors(of: values)
        return nodes.indices.filter { needed[$0] && nodes[$0].inputs.isEmpty }
    }

    /// Marks the nodes that the given values are computed from, themselves included.
    public func ancestors(of values: [ValueID]) -> [Bool] {
        var needed = [Bool](repeating: false, count: nodes.count)
        for value in values { needed[value.node] = true }
        for id in nodes.indices.reversed() where needed[id] {
            for input in nodes[id].inputs { needed[input.node] = true }
        }
        return needed
    }
}

/// A tensor whose numbers belong to the graph, such as rotary frequencies.
public struct ConstantTensor: Hashable, Sendable {
    /// For messages and drawings.
    public var name: String
    public var rows: Int
    public var columns: Int
    /// Row after row.
    public var values: [Double]

    public init(name: String, rows: Int, columns: Int, values: [Double]) {
        self.name = name
        self.rows = rows
        self.columns = columns
        self.values = values
    }
}
