/// An answer to a prompt.
public struct GeneratedText: Hashable, Sendable {
    /// Why generation ended.
    public enum Ending: String, Hashable, Sendable, Codable {
        /// The model gave its end token, which is not part of the answer.
        case endToken
        /// A stop text was met, which is not part of the answer.
        case stopText
        /// The most tokens were reached.
        case length
        /// The last position of the model, or the context it was made for, was reached.
        case context
        /// The settings forbid every token.
        case noCandidate
        /// The caller asked to stop.
        case cancelled
    }

    /// Which prompt it answers.
    public var prompt = 0
    /// The tokens after the prompt, the end token left out.
    public var tokens: [Int32] = []
    /// The text of the tokens up to a stop text; empty for models without a tokenizer.
    public var text = ""
    public var ending = Ending.length
    /// With beams, Σ log p / lengthᵃ after all penalties, the end token counted. Without, where
    /// ``GenerationSettings/scores`` asks for it, Σ log p of the model before any penalty.
    public var score: Double?
}

/// A piece of an answer while it is generated.
public struct GenerationStep: Sendable {
    /// Which prompt it answers.
    public var prompt: Int
    /// Which of several answers to the prompt it belongs to. With beams it is the best sequence so far, number 0.
    public var sample = 0
    public var token: Int32
    /// The text that can be shown now; text that may become a stop text, or half a character, is held back. Empty with
    /// beams, whose best sequence may change.
    public var text: String
}
