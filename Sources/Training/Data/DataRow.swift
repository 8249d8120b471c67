import InterventionDSL

/// One row of a data set before it meets a tokenizer.
public struct DataRow: Hashable, Sendable {
    /// What is predicted from what.
    public var content: Content
    /// Positions of this row under the names that programs use, as `.field("subject")`.
    public var positions: [String: [Int]]
    /// What this row reads in each source run of the program.
    public var sources: [String: DataRow]
    /// The subspaces that this row chooses, by the names of declarations.
    public var subspaces: [String: SubspaceChoice]
    /// The place of this row's adapter in a bank.
    public var adapterIndex: Int?

    /// The kinds of rows.
    public enum Content: Hashable, Sendable {
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
        /// An instruction alone with an input (perhaps empty), to be put into a template.
        case instructionPrompt(String, input: String)
        /// A prompt alone, as sequences of source runs are.
        case prompt(String)
        /// Token ids alone; all of them are the prompt unless a length is given.
        case promptTokens([Int32], promptLength: Int?)
    }

    /// A row of one kind.
    public init(
        _ content: Content, positions: [String: [Int]] = [:], sources: [String: DataRow] = [:],
        subspaces: [String: SubspaceChoice] = [:], adapterIndex: Int? = nil
    ) {
        self.content = content
        self.positions = positions
        self.sources = sources
        self.subspaces = subspaces
        self.adapterIndex = adapterIndex
    }
}

extension DataRow {
    /// A prompt and what should follow it.
    public static func text(prompt: String, completion: String) -> DataRow {
        DataRow(.text(prompt: prompt, completion: completion))
    }

    /// An instruction with an input (perhaps empty) and the output, to be put into a template.
    public static func instruction(_ instruction: String, input: String, output: String) -> DataRow {
        DataRow(.instruction(instruction, input: input, output: output))
    }

    /// A sentence, or a pair of them, and its class or number.
    public static func classified(_ sentence: String, pair: String?, label: Double) -> DataRow {
        DataRow(.classified(sentence, pair: pair, label: label))
    }

    /// Token ids and one label for each, −100 where nothing is predicted.
    public static func tokens(_ tokens: [Int32], labels: [Int32], promptLength: Int?) -> DataRow {
        DataRow(.tokens(tokens, labels: labels, promptLength: promptLength))
    }

    /// Token ids and the class or number of the whole sequence.
    public static func classifiedTokens(_ tokens: [Int32], label: Double) -> DataRow {
        DataRow(.classifiedTokens(tokens, label: label))
    }

    /// A prompt alone, as sequences of source runs are.
    public static func prompt(_ text: String) -> DataRow { DataRow(.prompt(text)) }

    /// A row that chooses subspaces, by the names of declarations.
    public static func choosing(_ choices: [String: SubspaceChoice], _ row: DataRow) -> DataRow {
        var choosing = row
        choosing.subspaces = choices
        return choosing
    }
}
