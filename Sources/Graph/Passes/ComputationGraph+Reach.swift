extension ComputationGraph {
    /// What can be computed once where some nodes, the roots, may give something else each time the graph is run.
    ///
    /// What depends on a root is reached. What is not reached has the same value whenever the graph is run on the same
    /// sequence.
    /// - Parameters:
    ///   - outputs: The values that are wanted.
    ///   - offered: The values that can be stored. Where something reached reads another value, what that one is computed
    ///     from is followed down to offered values.
    ///   - isRoot: Whether a node may give something else each time.
    /// - Returns: offered values that are not reached and that all outputs can be computed from, together with leaves and
    ///   operations that cost no more than storing, in the order of the graph.
    public func unreachedFrontier(
        for outputs: [ValueID], offering offered: Set<ValueID>, from isRoot: (NodeID, Node) -> Bool
    ) -> [ValueID] {
        var isReached = [Bool](repeating: false, count: nodes.count)
        // Whether a value costs more to compute than to store: a product or an attention is below it.
        var isCostly = isReached
        for (id, node) in nodes.enumerated() {
            isReached[id] = isRoot(id, node) || node.inputs.contains { isReached[$0.node] }
            isCostly[id] = node.operation.isCostly || node.inputs.contains { isCostly[$0.node] }
        }
        var frontier: Set<ValueID> = []
        _ = nodesComputed(for: outputs) { value in
            guard !isReached[value.node], isCostly[value.node], offered.contains(value) else { return false }
            frontier.insert(value)
            return true
        }
        return frontier.sorted()
    }

    /// The part of the graph that is computed if some values are inputs of the given names.
    public func cutting(_ names: [ValueID: String], keeping outputs: [ValueID]) -> GraphRewrite {
        let isComputed = nodesComputed(for: outputs) { names[$0] != nil }
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

    /// Marks the nodes that values are computed from, down to leaves and to values that are given.
    private func nodesComputed(for outputs: [ValueID], isGiven: (ValueID) -> Bool) -> [Bool] {
        var isComputed = [Bool](repeating: false, count: nodes.count)
        for output in outputs where !isGiven(output) { isComputed[output.node] = true }
        for id in nodes.indices.reversed() where isComputed[id] {
            for input in nodes[id].inputs where !isGiven(input) { isComputed[input.node] = true }
        }
        return isComputed
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
