/// A graph extended by the gradients of one of its values.
public struct DifferentiatedGraph: Sendable {
    /// The original nodes under their original ids, followed by the nodes that compute the gradients.
    public var graph: ComputationGraph
    /// For each target the gradient, or nil where the loss does not depend on the target.
    public var gradients: [ValueID?]
}

extension ComputationGraph {
    /// Extends the graph by the gradients of a scalar with respect to the given values, in reverse mode.
    ///
    /// Only nodes on a path from a target to the loss get gradients: frozen weights that are not targets cost nothing,
    /// and neither do the layers below the lowest target.
    /// - Throws: a problem for each operation on such a path that has no gradient, and for a loss that is no scalar.
    public func differentiating(
        _ loss: ValueID, withRespectTo targets: [ValueID]
    ) throws(GraphProblems) -> DifferentiatedGraph {
        let builder = GraphBuilder(self, provenance: .gradient(of: nodes[loss.node].provenance))
        if type(of: loss) != .real(1, 1) {
            builder.report("only a scalar [1, 1] can be differentiated, not \(type(of: loss))")
        }
        let active = nodesBetween(targets, and: loss)
        var adjoints: [ValueID: Value] = [loss: builder.scalar(1)]
        for id in nodes.indices.reversed() where active[id] {
            let node = nodes[id]
            let received = node.results.indices.map { adjoints[ValueID(id, $0)] }
            guard received.contains(where: { $0 != nil }), !node.inputs.isEmpty else { continue }
            builder.provenance = .gradient(of: node.provenance)
            let wanted = node.inputs.map { active[$0.node] }
            let rule = GradientRule(builder: builder, node: node, id: id, wanted: wanted, received: received)
            for (input, contribution) in zip(node.inputs, rule.contributions()) {
                guard let contribution else { continue }
                adjoints[input] = adjoints[input].map { $0 + contribution } ?? contribution
            }
        }
        let gradients = targets.map { adjoints[$0]?.id }
        return DifferentiatedGraph(graph: try builder.finish(), gradients: gradients)
    }

    /// Marks the nodes that depend on a target and that the loss depends on.
    private func nodesBetween(_ targets: [ValueID], and loss: ValueID) -> [Bool] {
        var marks = [Bool](repeating: false, count: nodes.count)
        for target in targets { marks[target.node] = true }
        for (id, node) in nodes.enumerated() where node.inputs.contains(where: { marks[$0.node] }) { marks[id] = true }
        let needed = ancestors(of: [loss])
        return zip(marks, needed).map { $0 && $1 }
    }
}
