extension ComputationGraph {
    /// Drops every node that none of the kept values depends on.
    public func removingDeadNodes(keeping outputs: [ValueID]) -> GraphRewrite {
        let needed = ancestors(of: outputs)
        var copier = GraphCopier(self)
        for (id, node) in nodes.enumerated() where needed[id] {
            copier.append(copier.renamed(node), inPlaceOf: id)
        }
        return copier.finish()
    }
}
