import InterventionDSL

/// One row of a data set before it meets a tokenizer.
public indirect enum DataRow: Hashable, Sendable {
    /// A prompt and what should follow it.
    case text(prompt: String, completion: String)
    /// An instruction with an input (perhaps empty) and the output, to be put into a template.
    case instruction(String, input: String, output: String)
    /// A sentence, or a pair of them, and its class or number.
    case classified(String, pair: String?, label: Double)
    /// Token ids and one label for each, −100 where nothing is predicted.
    case tokens([Int32], labels: [Int32], promptLength: Int?)
    /// Token ids and the class or number of the whole sequence.
    case classifiedTokens([Int32], label: Double)
    /// A row that chooses subspaces, by the names of declarations.
    case choosing([String: SubspaceChoice], DataRow)
}
