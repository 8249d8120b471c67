/// Tasks of the ReFT paper (arXiv 2404.03592), each with its way of decoding.
public enum PaperDecoding: String, CaseIterable, Codable, Hashable, Sendable {
    /// Greedy, 32 tokens.
    case commonsense
    /// Four beams drawn at temperature 0.3 from the 40 likeliest tokens that reach 0.75, 512 tokens.
    case arithmetic
    /// Greedy, no 5 tokens twice, repetition penalty 1.1, prompt and answer of 2048 tokens.
    case instruction
}

extension GenerationSettings {
    /// How the ReFT paper decodes a task.
    ///
    /// ```swift
    /// let answers = try session.generate(prompts, settings: .paper(.instruction))
    /// ```
    public static func paper(_ task: PaperDecoding) -> GenerationSettings {
        var settings = GenerationSettings()
        switch task {
        case .commonsense:
            settings.maximumTokens = 32
        case .arithmetic:
            settings.maximumTokens = 512
            settings.temperature = 0.3
            settings.topP = 0.75
            settings.topK = 40
            settings.beams = BeamSettings(4)
        case .instruction:
            settings.maximumTokens = 2048
            settings.maximumLength = 2048
            settings.noRepeatNGram = 5
            settings.repetitionPenalty = 1.1
        }
        return settings
    }
}
