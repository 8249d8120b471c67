/// What some roots can change in a graph, and where the rest can be cut off and stored.
///
/// Everything that depends on a root is *reached*. What is not has the same value whenever the graph is run on the same
/// sequence, so that it can be computed once.
public struct Reach: Sendable {
    /// Whether each node depends on a root.
    public let isReached: [Bool]
    /// Values that are not reached and that all outputs can be computed from, together with leaves and cheap operations,
    /// in the order of the graph.
    public let frontier: [ValueID]
    /// Whether each node is computed if the frontier is given.
    public let isComputed: [Bool]
}

extension ComputationGraph {
    /// Finds what depends on roots.
    ///
    /// - Parameters:
    ///   - outputs: The values that are wanted.
    ///   - offered: The values that can be stored. Where something reached reads another value, what that one is computed
    ///     from is followed down to offered values.
    ///   - isRoot: Whether a node may give something else each time.
    public func reach(
        for outputs: [ValueID], offering offered: Set<ValueID>, from isRoot: (NodeID, Node) -> Bool
    ) -> Reach {
        var isReached = [Bool](repeating: false, count: nodes.count)
        // Whether a value costs more to compute than to store: a product or an attention is below it.
        var isCostly = isReached
        for (id, node) in nodes.enumerated() {
            isReached[id] = isRoot(id, node) || node.inputs.contains { isReached[$0.node] }
            isCostly[id] = node.operation.isCostly || node.inputs.contains { isCostly[$0.node] }
        }
        var isComputed = [Bool](repeating: false, count: nodes.count)
        var frontier: Set<ValueID> = []
        func need(_ value: ValueID) {
            if !isReached[value.node], isCostly[value.node], offered.contains(value) {
                frontier.insert(value)
            } else {
                isComputed[value.node] = true
            }
        }
        for output in outputs { need(output) }
        for id in nodes.indices.reversed() where isComputed[id] {
            for input in nodes[id].inputs { need(input) }
        }
        return Reach(isReached: isReached, frontier: frontier.sorted(), isComputed: isComputed)
    }

    /// The part of the graph that is computed if some values are inputs of the given names.
    public func cutting(_ names: [ValueID: String], keeping outputs: [ValueID]) -> GraphRewrite {
        var isComputed = [Bool](repeating: false, count: nodes.count)
        func need(_ value: ValueID) { if names[value] == nil { isComputed[value.node] = true } }
        for output in outputs { need(output) }
        for id in nodes.indices.reversed() where isComputed[id] {
            for input in nodes[id].inputs { need(input) }
        }
        let cuts = Dictionary(grouping: names.keys, by: \.node)
        var copier = GraphCopier(self)
        for (id, node) in nodes.enumerated() {
            if isComputed[id] { copier.append(copier.renamed(node), inPlaceOf: id) }
            for value in cuts[id, default: []].sorted() {
                guard let name = names[value] else { continue }
                copier.append(Node(.input(name), [], [type(of: value)], node.provenance), inPlaceOf: value)
            }
        }
        return copier.finish()
    }
}

extension Operation {
    /// Whether it takes many operations for each element of its result.
    var isCostly: Bool {
        switch self {
        case .matmul, .groupedMatmul, .expertProduct, .attention, .attentionScores, .attentionMix: true
        default: false
        }
    }
}
