extension ComputationGraph {
    /// Replaces groups of nodes by one operation that computes the same in a single pass.
    ///
    /// - act(gate) · up becomes `gated`.
    /// - a · b + bias becomes a product with a bias.
    /// - Parts that are put at their places and taken from there again stay where they are.
    /// - scores → pattern → mix becomes `attention`.
    /// - The cross-entropy of rows · weightᵀ becomes `linearCrossEntropy`.
    ///
    /// Fusion yields to whoever looks inside: a value in `keeping`, or one that has another use, stays a value of its
    /// own. Apply it before differentiation, so that the gradients are fused too.
    public func fusing(keeping: [ValueID]) -> GraphRewrite {
        let rewrite = withoutIdlePlaces(keeping: keeping)
        return rewrite.then { $0.fusingPairs(keeping: keeping.compactMap { rewrite[$0] }) }
    }

    private func fusingPairs(keeping: [ValueID]) -> GraphRewrite {
        let kept = Set(keeping)
        let uses = useCounts()
        var absorbed = [Bool](repeating: false, count: nodes.count)
        var fused: [NodeID: Match] = [:]
        for id in nodes.indices {
            let candidate =
                gatedActivation(at: id) ?? biasedProduct(at: id) ?? attention(at: id) ?? linearLoss(at: id)
            guard let match = candidate else { continue }
            guard match.inner.allSatisfy({ uses[$0] == 1 && !kept.contains(ValueID($0)) }) else { continue }
            for inner in match.inner { absorbed[inner] = true }
            fused[id] = match
        }
        var copier = GraphCopier(self)
        for (id, node) in nodes.enumerated() where !absorbed[id] {
            var node = node
            if let match = fused[id] {
                node.operation = match.operation
                node.inputs = match.inputs
                node.results += match.furtherResults
            }
            copier.append(copier.renamed(node), inPlaceOf: id)
        }
        return copier.finish()
    }

    private struct Match {
        var operation: Operation
        var inputs: [ValueID]
        /// The nodes that disappear.
        var inner: [NodeID]
        /// What the operation gives besides.
        var furtherResults: [ValueType] = []
    }

    private func gatedActivation(at id: NodeID) -> Match? {
        let node = nodes[id]
        guard node.operation == .binary(.multiply) else { return nil }
        for (gate, up) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
            guard case .unary(let function) = nodes[gate.node].operation, function.isActivation,
                type(of: gate) == type(of: up), gate != up
            else { continue }
            return Match(operation: .gated(function), inputs: [nodes[gate.node].inputs[0], up], inner: [gate.node])
        }
        return nil
    }

    private func biasedProduct(at id: NodeID) -> Match? {
        let node = nodes[id]
        guard node.operation == .binary(.add) else { return nil }
        for (product, bias) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
            let inner = nodes[product.node]
            guard case .matmul = inner.operation, inner.inputs.count == 2, type(of: product) == node.results[0],
                type(of: bias).shape == Shape(1, type(of: product).shape.columns), nodes[bias.node].inputs.isEmpty
            else { continue }
            return Match(operation: inner.operation, inputs: inner.inputs + [bias], inner: [product.node])
        }
        return nil
    }

    /// A trained matrix needs the logits' gradient, so that only a frozen one is fused.
    private func linearLoss(at id: NodeID) -> Match? {
        guard nodes[id].operation == .crossEntropy else { return nil }
        let (logits, targets) = (nodes[id].inputs[0].node, nodes[id].inputs[1])
        guard nodes[logits].operation == .matmul(transposeLeft: false, transposeRight: true),
            nodes[logits].inputs.count == 2, case .weight = nodes[nodes[logits].inputs[1].node].operation
        else { return nil }
        return Match(
            operation: .linearCrossEntropy, inputs: nodes[logits].inputs + [targets], inner: [logits],
            furtherResults: [type(of: nodes[logits].inputs[0])])
    }

    /// Keys of another batch and a bias between scores and pattern keep the parts apart.
    private func attention(at id: NodeID) -> Match? {
        guard case .attentionMix(let attributes) = nodes[id].operation, !attributes.rows.hasKeyOffsets else {
            return nil
        }
        let (pattern, value, offsets) = (nodes[id].inputs[0].node, nodes[id].inputs[1], nodes[id].inputs[2])
        guard nodes[pattern].operation == .attentionPattern(attributes), nodes[pattern].inputs[1] == offsets else {
            return nil
        }
        let scores = nodes[pattern].inputs[0].node
        guard nodes[scores].operation == .attentionScores(attributes), nodes[scores].inputs[2] == offsets else {
            return nil
        }
        return Match(
            operation: .attention(attributes.attention),
            inputs: Array(nodes[scores].inputs.prefix(2)) + [value, offsets], inner: [pattern, scores],
            furtherResults: [.real(attributes.rows.queries, .fixed(attributes.attention.heads))])
    }

    /// How often each node is used, counting every input of every user.
    private func useCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for node in nodes { for input in node.inputs { counts[input.node] += 1 } }
        return counts
    }
}

extension UnaryFunction {
    /// Whether networks gate with it.
    var isActivation: Bool {
        switch self {
        case .relu, .sigmoid, .tanh, .silu, .gelu, .geluTanh, .quickGelu: true
        default: false
        }
    }
}
