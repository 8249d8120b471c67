import InterventionDSL
import Models
import Runtime

extension Session {
    /// The logits of the last row of each sequence, with the program, in evaluation mode.
    ///
    /// With an activation store (``activations``) only what the program reaches is computed: this is what sweeps over many
    /// programs or positions on the same sequences are made of.
    /// - Parameter seed: Decides noise and other draws.
    /// - Returns: one row of next-token scores for each sequence; of a classifier its scores.
    /// - Throws: ``InputError``, ``SessionError``, `InterventionError` or `RuntimeError` for a batch that does not fit.
    public func lastScores(of examples: [Example], seed: UInt32 = 0) throws -> RunResult.Matrix {
        try validate(examples)
        let unlabelled = examples.map { example in
            var example = example
            example.givenPromptLength = example.promptLength
            example.target = .none
            return example
        }
        let compiled = try compiledGraph(
            GraphVariant(
                purpose: .inspect(collecting: []), demand: .lastRows, reuses: activations != nil && bank == nil))
        try run(compiled, unlabelled, seed: seed)
        guard let logits = compiled.values.logits else {
            throw SessionError.unsuited(model: model.name, needs: "a model with scores")
        }
        let view = try compiled.executor.output(of: logits)
        return RunResult.Matrix(name: "logits", rows: view.rows, columns: view.columns, values: view.floats())
    }
}
