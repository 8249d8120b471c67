/// A graph made from another one, and where the values of the old graph went.
public struct GraphRewrite: Sendable {
    public var graph: ComputationGraph
    /// The new id of each old value that still exists.
    public var mapping: [ValueID: ValueID]

    /// A graph before any pass: every value is where it was.
    public init(of graph: ComputationGraph) {
        self.init(graph: graph, mapping: [:])
        for (id, node) in graph.nodes.enumerated() {
            for result in node.results.indices { mapping[ValueID(id, result)] = ValueID(id, result) }
        }
    }

    init(graph: ComputationGraph, mapping: [ValueID: ValueID]) {
        self.graph = graph
        self.mapping = mapping
    }

    /// This rewrite followed by a pass over its result.
    public func then(_ pass: (ComputationGraph) -> GraphRewrite) -> GraphRewrite {
        let next = pass(graph)
        return GraphRewrite(graph: next.graph, mapping: mapping.compactMapValues { next.mapping[$0] })
    }

    /// Where a value of the first graph is now.
    public subscript(_ value: ValueID) -> ValueID? { mapping[value] }
}

/// Copies a graph node by node; a pass decides for each node what takes its place.
struct GraphCopier {
    let original: ComputationGraph
    private(set) var copy = ComputationGraph()
    private(set) var mapping: [ValueID: ValueID] = [:]

    init(_ original: ComputationGraph) {
        self.original = original
        copy.constants = original.constants
        mapping.reserveCapacity(original.nodes.count)
    }

    /// The node with its inputs renamed to those of the copy.
    func renamed(_ node: Node) -> Node {
        var node = node
        node.inputs = node.inputs.map { mapping[$0] ?? $0 }
        return node
    }

    /// Appends a node of the copy in place of an old one with the same results.
    mutating func append(_ node: Node, inPlaceOf old: NodeID) {
        copy.nodes.append(node)
        replace(old, by: copy.nodes.count - 1, results: node.results.count)
    }

    /// Appends a node of the copy in place of one value of an old one.
    mutating func append(_ node: Node, inPlaceOf old: ValueID) {
        copy.nodes.append(node)
        mapping[old] = ValueID(copy.nodes.count - 1)
    }

    /// Appends a node of the copy that takes no old one's place; the id of its first result.
    mutating func append(_ node: Node) -> ValueID {
        copy.nodes.append(node)
        return ValueID(copy.nodes.count - 1)
    }

    /// Lets an existing node of the copy stand for an old one.
    mutating func replace(_ old: NodeID, by new: NodeID, results: Int) {
        for result in 0..<results { mapping[ValueID(old, result)] = ValueID(new, result) }
    }

    /// Lets a value of the copy stand for an old one.
    mutating func replace(_ old: ValueID, by new: ValueID) { mapping[old] = new }

    /// Lets a value of the copy stand for an old one, whose node is left out.
    mutating func replace(_ old: ValueID, byOld other: ValueID) { mapping[old] = mapping[other] }

    /// The copy, with the sites whose values still exist.
    func finish() -> GraphRewrite {
        var copy = copy
        copy.sites = original.sites.compactMap(moved)
        copy.moduleSites = original.moduleSites.compactMap(moved)
        return GraphRewrite(graph: copy, mapping: mapping)
    }

    private func moved(_ site: Site) -> Site? {
        guard let value = mapping[site.value] else { return nil }
        var site = site
        site.value = value
        site.moduleInput = site.moduleInput.flatMap { mapping[$0] }
        site.steps = site.steps.compactMap { mapping[$0] }
        return site
    }
}
