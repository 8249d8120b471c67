/// How text is generated.
///
/// ```swift
/// var settings = GenerationSettings(maximumTokens: 64)
/// settings.beams = BeamSettings(4, lengthPenalty: 0.8, returned: 2)
/// settings.noRepeatNGram = 3
/// ```
public struct GenerationSettings: Codable, Hashable, Sendable {
    // MARK: Length

    /// The most tokens to generate for a prompt.
    public var maximumTokens = 128
    /// The most tokens of prompt and answer together; nil leaves it to ``maximumTokens`` and the model's context.
    public var maximumLength: Int?
    /// The model's end token is not given before this many tokens of the answer.
    public var minimumTokens = 0
    /// Texts that end the answer; they are not part of it.
    public var stop: [String] = []
    /// Tokens that end the answer in place of the model's own end tokens; nil leaves those.
    public var endTokens: [Int]?
    /// Whether generation goes on after an end token.
    public var ignoresEnd = false
    /// Whether rotary models go on beyond the context they were made for. Models with a table of positions never do.
    public var goesBeyondContext = false

    // MARK: Choosing

    /// Scores are divided by it; 0 takes the likeliest token.
    public var temperature = 0.0
    /// Only the k likeliest tokens are drawn from; nil or 0 keeps all.
    public var topK: Int?
    /// Only the likeliest tokens whose probabilities reach p together are drawn from; nil or 1 keeps all.
    public var topP: Double?
    /// Only tokens at least p times as probable as the likeliest one are drawn from; nil or 0 keeps all.
    public var minP: Double?
    /// Keyed with every draw: prompt i at step t draws number t of stream i.
    public var seed: UInt64 = 0
    /// How many answers are drawn for each prompt.
    public var samples = 1
    /// Beam search; nil goes on from one sequence.
    public var beams: BeamSettings?

    // MARK: Scores

    /// Scores of tokens that the prompt or the answer holds are divided by it if positive, else multiplied; 1 does nothing.
    public var repetitionPenalty = 1.0
    /// Subtracted from the scores of tokens that the answer holds.
    public var presencePenalty = 0.0
    /// Subtracted from the scores of tokens as often as the answer holds them.
    public var frequencyPenalty = 0.0
    /// No n tokens follow one another twice in prompt and answer; 0 allows it.
    public var noRepeatNGram = 0
    /// Added to the scores of tokens, by their ids.
    public var logitBias: [Int: Double] = [:]
    /// Tokens that are never chosen.
    public var bannedTokens: [Int] = []
    /// Whether answers carry a score without beams too: the sum of the model's log probabilities of their tokens.
    public var scores = false

    /// Greedy decoding of at most 128 tokens.
    public init() {}

    /// Settings with the given values, greedy by default.
    public init(
        maximumTokens: Int, temperature: Double = 0, topK: Int? = nil, topP: Double? = nil, seed: UInt64 = 0,
        stop: [String] = [], beams: BeamSettings? = nil
    ) {
        self.maximumTokens = maximumTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
        self.stop = stop
        self.beams = beams
    }

    /// The tokens that end an answer of a model with ends of its own.
    func ends(_ own: Set<Int32>) -> Set<Int32> {
        ignoresEnd ? [] : endTokens.map { Set($0.map { Int32(clamping: $0) }) } ?? own
    }

    /// Whether tokens are drawn, not taken.
    var draws: Bool { temperature > 0 }

    /// How many answers a prompt gets.
    public var answersPerPrompt: Int { beams?.returned ?? samples }
}

/// Beam search: the sequences with the highest scores are gone on with side by side.
///
/// The score of a finished sequence is Σ log p / lengthᵃ with the length penalty a, the end token counted.
/// With a temperature above 0 the continuations are drawn without replacement instead of being the likeliest.
public struct BeamSettings: Codable, Hashable, Sendable {
    /// How many sequences run side by side.
    public var count: Int
    /// The exponent of the length that scores are divided by: above 0 favours long answers, below 0 short ones.
    public var lengthPenalty: Double
    public var earlyStopping: EarlyStopping
    /// How many answers each prompt gets, the best first; at most ``count``.
    public var returned: Int

    /// When a search with as many finished sequences as beams ends.
    public enum EarlyStopping: String, Codable, Hashable, Sendable, CaseIterable {
        /// At once; transformers' `True`.
        case immediately
        /// When the best running sequence, ended now, would not be better than the worst finished one; `False`.
        case heuristic
        /// When no running sequence can become better than the worst finished one; `"never"`.
        case never
    }

    /// A search with as many beams, which gives the best answer.
    public init(
        _ count: Int, lengthPenalty: Double = 1, earlyStopping: EarlyStopping = .heuristic, returned: Int = 1
    ) {
        self.count = count
        self.lengthPenalty = lengthPenalty
        self.earlyStopping = earlyStopping
        self.returned = returned
    }
}
