/// The answer to a prompt.
public struct GeneratedText: Hashable, Sendable {
    /// Why generation ended.
    public enum Ending: String, Hashable, Sendable, Codable {
        /// The model gave its end token, which is not part of the answer.
        case endToken
        /// A stop text was met, which is not part of the answer.
        case stopText
        /// The most tokens, or the last position of the model, was reached.
        case length
        /// The caller asked to stop.
        case cancelled
    }

    /// The tokens after the prompt, the end token left out.
    public var tokens: [Int32] = []
    /// The text of the tokens up to a stop text; empty for models without a tokenizer.
    public var text = ""
    public var ending = Ending.length
}

/// A piece of an answer while it is generated.
public struct GenerationStep: Sendable {
    /// Which prompt it answers.
    public var prompt: Int
    public var token: Int32
    /// The text that can be shown now; text that may become a stop text, or half a character, is held back.
    public var text: String
}
