import Graph

extension ModelModule {
    /// Attention of a layer: softmax(cap(scale · query · keyᵀ) + bias) · value for each head, with the mask of the
    /// attributes. Nodes come from this module.
    ///
    /// - Parameters:
    ///   - attributes: Heads, sizes, scale, soft cap, mask and window. The slot of the key/value store is the layer
    ///     where the options ask for a store and the attention is causal; it need not be given.
    ///   - layer: The layer that the scores and the pattern are sites of.
    ///   - query: [n, heads · headSize], rotated or normed as the family wants it.
    ///   - key: [n, keyHeads · headSize].
    ///   - value: [n, keyHeads · valueSize].
    /// - Returns: what the heads give, side by side, [n, heads · valueSize].
    func attention(
        _ attributes: AttentionAttributes, layer: Int, query: Value, key: Value, value: Value
    ) -> Value {
        var attributes = attributes
        if options.usesKeyValueStore, attributes.causal, attributes.store == nil { attributes.store = layer }
        return building { builder.node(.attention(attributes), query, key, value, offsets) }
    }
}
