extension ComputationGraph {
    /// Drops taking blocks from places at which they were put just before: take(place(x)) is x.
    ///
    /// A mixture of experts puts the results of the chosen experts at the places of all of them, where they can be read
    /// and edited. Where nobody does, in `keeping` or by another use, nothing has to be put anywhere.
    func withoutIdlePlaces(keeping: [ValueID]) -> GraphRewrite {
        let kept = Set(keeping)
        var uses = [Int](repeating: 0, count: nodes.count)
        for node in nodes { for input in node.inputs { uses[input.node] += 1 } }
        /// The parts that a node takes, if they were put where it takes them from for it alone.
        func parts(_ node: Node) -> ValueID? {
            guard case .blocks(.take(let count)) = node.operation else { return nil }
            let (all, chosen) = (node.inputs[0], node.inputs[1])
            let placing = nodes[all.node]
            guard placing.operation == .blocks(.place(count: count)), placing.inputs[1] == chosen, uses[all.node] == 1,
                !kept.contains(all)
            else { return nil }
            return placing.inputs[0]
        }
        let taken = nodes.map(parts)
        guard taken.contains(where: { $0 != nil }) else { return GraphRewrite(of: self) }
        var copier = GraphCopier(self)
        for (id, node) in nodes.enumerated() {
            if let parts = taken[id], !kept.contains(ValueID(id)) {
                copier.replace(ValueID(id), byOld: parts)
            } else {
                copier.append(copier.renamed(node), inPlaceOf: id)
            }
        }
        return copier.finish()
    }
}
