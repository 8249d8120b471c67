/// Changes the scores of the next token.
protocol LogitsProcessor: Sendable {
    /// - Parameter scores: one for each token: logits, or log probabilities in beam search; −∞ is never chosen.
    func process(_ scores: inout [Float], after history: TokenHistory)
}

/// What a sequence holds so far.
struct TokenHistory: Sendable {
    var prompt: [Int32]
    var answer: [Int32] = []
}

/// Everything that changes scores before a token is chosen, in the order in which transformers applies it: bias,
/// repetition, presence and frequency, repeated n-grams, bans, minimum length; then for draws temperature, top-k, top-p,
/// min-p. (Presence and frequency penalties, which transformers does not have, follow the repetition penalty as in vLLM.)
struct LogitsChain: Sendable {
    let processors: [any LogitsProcessor]

    /// - Parameter endTokens: the tokens that end an answer, none where the settings ignore them.
    init(_ settings: GenerationSettings, endTokens: Set<Int32>) {
        var chain: [any LogitsProcessor] = []
        if !settings.logitBias.isEmpty { chain.append(LogitBias(bias: settings.logitBias)) }
        if settings.repetitionPenalty != 1 { chain.append(RepetitionPenalty(penalty: settings.repetitionPenalty)) }
        if settings.presencePenalty != 0 || settings.frequencyPenalty != 0 {
            chain.append(
                OccurrencePenalty(presence: settings.presencePenalty, frequency: settings.frequencyPenalty))
        }
        if settings.noRepeatNGram > 0 { chain.append(NoRepeatedNGrams(size: settings.noRepeatNGram)) }
        if !settings.bannedTokens.isEmpty { chain.append(BannedTokens(tokens: settings.bannedTokens)) }
        if settings.minimumTokens > 0, !endTokens.isEmpty {
            chain.append(MinimumLength(tokens: settings.minimumTokens, ends: endTokens.map(Int.init)))
        }
        if settings.draws {
            // Beams need candidates left when all of the ends are among the likeliest.
            let kept = (settings.beams?.count ?? 1) > 1 ? max(endTokens.count, 1) + 1 : 1
            if settings.temperature != 1 { chain.append(Temperature(temperature: settings.temperature)) }
            if let count = settings.topK, count > 0 { chain.append(TopK(count: max(count, kept))) }
            if let share = settings.topP, share < 1 { chain.append(TopP(share: share, kept: kept)) }
            if let share = settings.minP, share > 0 { chain.append(MinP(share: share, kept: kept)) }
        }
        processors = chain
    }

    /// Whether scores are left as they are.
    var isEmpty: Bool { processors.isEmpty }

    func process(_ scores: inout [Float], after history: TokenHistory) {
        for processor in processors { processor.process(&scores, after: history) }
    }
}
