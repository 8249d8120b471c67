extension ComputationGraph {
    /// The same graph in which some frozen tensors are parameters: each use of such a weight reads, and sends its
    /// gradient to, the parameter of the given name.
    ///
    /// - Parameter names: The parameter's name for each weight's.
    public func training(_ names: [String: String]) -> ComputationGraph {
        guard !names.isEmpty else { return self }
        var graph = self
        for id in graph.nodes.indices {
            if case .weight(let weight) = graph.nodes[id].operation, let name = names[weight] {
                graph.nodes[id].operation = .parameter(name)
            }
        }
        return graph
    }
}
