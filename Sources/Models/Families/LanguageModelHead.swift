import Graph

extension ModelModule {
    /// The rows whose logits are read.
    func demanded(_ rows: Value) -> Value {
        builder.from(.demand) {
            rows.rows(at: builder.input(inputs.demanded, .indices(inputs.demandedRows)))
        }
    }

    /// Next-token scores of normed rows: rows · weightᵀ with the embedding table, or with `lm_head.weight` if nil.
    func logits(_ rows: Value, vocabulary: Int, table: ModelModule?) -> Value {
        let head = ModelModule(builder: builder, inputs: inputs, options: options, path: "lm_head")
        let weight = (table ?? head).matrix(rows: vocabulary, columns: rows.width)  // [vocabulary, hidden]
        let logits = head.applied(to: rows) { rows.times(weight, transposed: true) }
        head.declareOutput(.logits, nil, logits, input: rows, rowSpace: .demanded)
        return logits
    }
}
