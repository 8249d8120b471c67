import Graph

extension ModelModule {
    /// Attention of a layer: softmax(cap(scale · query · keyᵀ) + bias) · value for each head, with the mask of the
    /// attributes, in three parts whose values are sites. Without a bias, and where nobody looks inside, the parts
    /// become one fused operation (`ComputationGraph.fusing`). Nodes come from this module.
    ///
    /// - Parameters:
    ///   - attributes: Heads, sizes, scale, soft cap, mask and window. The slot of the key/value store is the layer
    ///     where the options ask for a store and the attention is causal; it need not be given.
    ///   - layer: The layer that the scores and the pattern are sites of.
    ///   - query: [n, heads · headSize], rotated or normed as the family wants it.
    ///   - key: [m, keyHeads · headSize]; n and m are the same rows unless `source` is given.
    ///   - value: [m, keyHeads · valueSize].
    ///   - bias: What is added to the scores of each pair, [pairs, heads], such as ``positionBias(_:_:source:)``.
    ///   - source: For cross attention, the run whose rows keys and values are.
    ///   - scores, pattern: How the sites are called.
    ///   - patternPath: Where Hugging Face's module gives the pattern.
    /// - Returns: what the heads give, side by side, [n, heads · valueSize].
    func attention(
        _ attributes: AttentionAttributes, layer: Int, query: Value, key: Value, value: Value, bias: Value? = nil,
        source: RunInputs? = nil, scores: Component = .attentionScores, pattern: Component = .attentionPattern,
        patternPath: String = "output[1]"
    ) -> Value {
        var attributes = attributes
        if options.usesKeyValueStore, attributes.causal, source == nil, attributes.store == nil {
            attributes.store = layer
        }
        let pairs = PairAttributes(attributes, rows: pairRows(source))
        let offsets = pairOffsets(source)
        let rowSpace: RowSpace = source == nil ? .pairs : .crossPairs
        return building {
            var scored = builder.results(.attentionScores(pairs), [query, key] + offsets)[0]
            if let bias { scored = scored + bias }
            declare(scores, layer, scored, heads: attributes.heads, rowSpace: rowSpace, at: "scores")
            let shares = builder.results(.attentionPattern(pairs), [scored] + offsets)[0]
            declare(pattern, layer, shares, heads: attributes.heads, rowSpace: rowSpace, at: patternPath)
            return builder.results(.attentionMix(pairs), [shares, value] + offsets)[0]
        }
    }

    /// A bias for each pair of query and key that depends on their distance, [pairs, heads], from this module's table
    /// `weight` [buckets, heads].
    /// - Parameter source: For cross attention, the run whose rows the keys are.
    func positionBias(_ buckets: PositionBuckets, heads: Int, source: RunInputs? = nil) -> Value {
        let attributes = PositionBiasAttributes(
            buckets: buckets.count, maximumDistance: buckets.maximumDistance, bidirectional: buckets.bidirectional,
            // All slots hold the same rows of a sequence, so that any layer's says how many there are.
            store: options.usesKeyValueStore && source == nil && !buckets.bidirectional ? 0 : nil,
            rows: pairRows(source))
        return building {
            let table = matrix(rows: buckets.count, columns: heads)
            return builder.results(.positionBias(attributes), [table] + pairOffsets(source))[0]
        }
    }

    private func pairRows(_ source: RunInputs?) -> PairRows {
        PairRows(queries: inputs.rows, keys: source?.rows, pairs: source == nil ? inputs.pairs : inputs.crossPairs)
    }

    private func pairOffsets(_ source: RunInputs?) -> [Value] {
        [offsets] + (source.map { [builder.input($0.offsets, .indices($0.bounds))] } ?? [])
    }
}

/// How distances between keys and queries share the rows of a table of biases.
struct PositionBuckets: Hashable, Sendable {
    var count: Int
    var maximumDistance: Int
    /// Whether keys before and behind the query have buckets of their own.
    var bidirectional: Bool
}
