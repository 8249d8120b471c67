/// How text is generated.
public struct GenerationSettings: Codable, Hashable, Sendable {
    /// The most tokens to generate for a prompt.
    public var maximumTokens = 128
    /// Logits are divided by it; 0 takes the likeliest token.
    public var temperature = 0.0
    /// Only the k likeliest tokens are drawn from; nil or 0 keeps all.
    public var topK: Int?
    /// Only the likeliest tokens whose probabilities reach p together are drawn from; nil or 1 keeps all.
    public var topP: Double?
    /// Keyed with every draw: prompt i at step t draws number t of stream i.
    public var seed: UInt64 = 0
    /// Texts that end the answer; they are not part of it.
    public var stop: [String] = []
    /// Whether generation goes on after the model's end token.
    public var ignoresEnd = false

    /// Greedy decoding of at most 128 tokens.
    public init() {}

    /// Settings with the given values, greedy by default.
    public init(
        maximumTokens: Int, temperature: Double = 0, topK: Int? = nil, topP: Double? = nil, seed: UInt64 = 0,
        stop: [String] = []
    ) {
        self.maximumTokens = maximumTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
        self.stop = stop
    }

    /// What is wrong with the settings, in sentences.
    public func problems() -> [String] {
        var problems: [String] = []
        if maximumTokens < 1 { problems.append("--max-tokens must be at least 1, not \(maximumTokens)") }
        if !temperature.isFinite || temperature < 0 {
            problems.append("--temperature must be 0 or more, not \(temperature)")
        }
        if let topK, topK < 0 { problems.append("--top-k must be 0 or more, not \(topK)") }
        if let topP, !(topP > 0 && topP <= 1) { problems.append("--top-p must be above 0 and at most 1, not \(topP)") }
        if stop.contains("") { problems.append("--stop must not be empty") }
        return problems
    }
}
