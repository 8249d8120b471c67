extension ComputationGraph {
    /// Computes equal expressions once: nodes with the same operation and the same inputs become one.
    ///
    /// The first of them stays, with its provenance. Random values are equal only if their streams are.
    public func mergingCommonSubexpressions() -> GraphRewrite {
        struct Expression: Hashable {
            var operation: Operation
            var inputs: [ValueID]
        }
        var known: [Expression: NodeID] = [:]
        known.reserveCapacity(nodes.count)
        var copier = GraphCopier(self)
        for (id, node) in nodes.enumerated() {
            let renamed = copier.renamed(node)
            let expression = Expression(operation: renamed.operation, inputs: renamed.inputs)
            if let first = known[expression] {
                copier.replace(id, by: first, results: node.results.count)
            } else {
                copier.append(renamed, inPlaceOf: id)
                known[expression] = copier.copy.nodes.count - 1
            }
        }
        return copier.finish()
    }
}
