import Graph

extension ModelModule {
    /// The rows whose logits are read.
    func demanded(_ rows: Value) -> Value {
        builder.from(.demand) {
            rows.rows(at: builder.input(inputs.demanded, .indices(inputs.demandedRows)))
        }
    }

    /// Scores of the token at each demanded row of a masked language model:
    /// norm(activation(dense(row))) · tableᵀ + bias, as in Devlin et al. 2019.
    /// - Parameters:
    ///   - width: The width of the embedding table.
    ///   - table: Where the table's weight [vocabulary, width] lies.
    ///   - bias: Where the bias [vocabulary] lies.
    func maskedLogits(
        _ rows: Value, dense: ModelModule, width: Int, activation: UnaryFunction, norm: ModelModule, epsilon: Double,
        table: ModelModule, bias: ModelModule, vocabulary: Int
    ) -> Value {
        let rows = demanded(rows)
        let transformed = dense.linear(rows, to: width, bias: true)
        let activated = building { transformed.applying(activation) }
        let normed = norm.layerNorm(activated, epsilon: epsilon)
        let logits = applied(to: normed) {
            normed.linear(
                table.matrix(rows: vocabulary, columns: width), bias: bias.vector("bias", vocabulary))
        }
        declareOutput(.logits, nil, logits, input: normed, rowSpace: .demanded)
        return logits
    }

    /// The scores of RoBERTa, MPNet and ESM, of which this is the body: lm_head.dense.weight [hidden, hidden], .bias,
    /// lm_head.layer_norm.weight, .bias, lm_head.bias [vocabulary]; lm_head.decoder.weight [vocabulary, hidden] unless the
    /// embedding table is used.
    func maskedHead(_ rows: Value, vocabulary: Int, epsilon: Double, isTied: Bool) -> Value {
        let head = atRoot("lm_head")
        return head["decoder"].maskedLogits(
            rows, dense: head["dense"], width: rows.width, activation: .gelu, norm: head["layer_norm"],
            epsilon: epsilon, table: isTied ? self["embeddings"]["word_embeddings"] : head["decoder"], bias: head,
            vocabulary: vocabulary)
    }

    /// Next-token scores of normed rows: rows · weightᵀ with the embedding table, or with the head's own if nil.
    /// - Parameter softCap: Scores s become softCap · tanh(s / softCap); the site `logits` is what the model gives then,
    ///   the head's output are the scores before it.
    func logits(
        _ rows: Value, vocabulary: Int, table: ModelModule?, named name: String = "lm_head", softCap: Double? = nil
    ) -> Value {
        let head = ModelModule(builder: builder, inputs: inputs, options: options, path: name)
        let weight = (table ?? head).matrix(rows: vocabulary, columns: rows.width)  // [vocabulary, hidden]
        let logits = head.applied(to: rows) { rows.times(weight, transposed: true) }
        guard softCap != nil else {
            head.declareOutput(.logits, nil, logits, input: rows, rowSpace: .demanded)
            return logits
        }
        let capped = head.softCapped(logits, at: softCap)
        builder.declareSite(
            SiteID(.logits, run: inputs.run), capped, moduleInput: rows, rowSpace: .demanded, modulePath: "logits")
        return capped
    }
}
