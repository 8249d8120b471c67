import Graph

// What depends on the batch besides rows: its tokens, and which sequence a row belongs to.

extension EditContext {
    /// 1 for each edited row whose token is one of these, else 0: [rows, 1].
    /// - Throws: ``InterventionError`` at a site that has no row for each token.
    public func indicator(ofTokens tokens: [Int]) throws(InterventionError) -> Value {
        let inputs = RunInputs(run: shape.site.run)
        let wanted = splicer.original.type(of: site.value).shape.rows
        guard wanted == inputs.rows else {
            throw .differingRows(site: "the tokens", rows: "\(inputs.rows)", wanted: "\(wanted)")
        }
        guard let vocabulary = splicer.original.vocabulary(readBy: inputs.tokens) else {
            throw .edit(site: "\(shape)", message: "the run has no embedding table by which tokens could be looked up")
        }
        let chosen = Set(tokens)
        if let outside = chosen.sorted().first(where: { !(0..<vocabulary).contains($0) }) {
            throw .edit(site: "\(shape)", message: "token \(outside) is not within 0..<\(vocabulary)")
        }
        let table = builder.constant(
            ConstantTensor(
                name: "\(hook.name) tokens", rows: vocabulary, columns: 1,
                values: (0..<vocabulary).map { chosen.contains($0) ? 1 : 0 }))
        let all = table.rows(at: builder.input(inputs.tokens, .indices(inputs.rows)))
        return splicer.read(all.id, hook.selection, nil).part
    }

    /// The given rows, each replaced by one that is drawn from those of the other sequences of the batch.
    ///
    /// The draw is keyed with the batch's seed and a stream of this application's own.
    public mutating func rowsOfOtherSequences(_ rows: Value) -> Value {
        rows.rows(at: builder.input(hook.shuffle.name, .indices(rows.shape.rows)))
    }
}

extension ComputationGraph {
    /// The rows of the table that token ids are looked up in.
    func vocabulary(readBy tokens: String) -> Int? {
        for node in nodes where node.operation == .gatherRows {
            if case .input(tokens) = nodes[node.inputs[1].node].operation {
                return type(of: node.inputs[0]).shape.rows.fixedValue
            }
        }
        return nil
    }
}
