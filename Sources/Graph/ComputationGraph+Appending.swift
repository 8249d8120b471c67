extension ComputationGraph {
    /// This graph followed by the nodes of another one, whose value %n becomes %(n + offset). Sites are those of this
    /// graph.
    ///
    /// Inputs, weights and parameters of the same name mean the same; equal expressions become one when common
    /// subexpressions are merged.
    public func appending(_ other: ComputationGraph) -> (graph: ComputationGraph, offset: Int) {
        var joined = self
        let (offset, firstConstant) = (nodes.count, constants.count)
        joined.constants += other.constants
        joined.nodes.reserveCapacity(offset + other.nodes.count)
        for node in other.nodes {
            var node = node
            if case .constant(let index) = node.operation { node.operation = .constant(sharedConstant(index)) }
            node.inputs = node.inputs.map { ValueID($0.node + offset, $0.result) }
            joined.nodes.append(node)
        }
        /// Equal tensors keep one number, so that their nodes are equal too.
        func sharedConstant(_ index: Int) -> Int {
            constants.firstIndex(of: other.constants[index]) ?? firstConstant + index
        }
        return (joined, offset)
    }
}
