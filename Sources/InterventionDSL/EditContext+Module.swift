import Graph

/// A linear layer of the model: h = x Wᵀ + b, or x W + b where the checkpoint stores W the other way round.
public struct ModuleLinear {
    /// W [outputs, inputs], or [inputs, outputs] where ``isTransposed``.
    public var weight: Value
    public var isTransposed: Bool
    /// b [1, outputs].
    public var bias: Value?
}

extension EditContext {
    /// The frozen linear layer whose output is edited.
    /// - Throws: ``InterventionError`` at a site that is not the output of one.
    public func moduleLinear() throws(InterventionError) -> ModuleLinear {
        let graph = splicer.original
        var id = site.value
        var bias: Value?
        if case .binary(.add) = graph.nodes[id.node].operation {
            let added = graph.nodes[id.node].inputs[1]
            guard case .weight = graph.nodes[added.node].operation else { throw notLinear() }
            bias = builder.value(added)
            id = graph.nodes[id.node].inputs[0]
        }
        let node = graph.nodes[id.node]
        guard case .matmul(false, let transposed) = node.operation, let module = site.moduleInput,
            node.inputs[0] == module, case .weight = graph.nodes[node.inputs[1].node].operation
        else { throw notLinear() }
        if node.inputs.count == 3 { bias = builder.value(node.inputs[2]) }
        return ModuleLinear(weight: builder.value(node.inputs[1]), isTransposed: !transposed, bias: bias)
    }

    private func notLinear() -> InterventionError {
        .edit(site: "\(shape)", message: "it is not the output of a linear layer")
    }
}
