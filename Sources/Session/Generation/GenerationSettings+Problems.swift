extension GenerationSettings {
    /// What is wrong with the settings, in sentences.
    /// - Parameter vocabulary: The number of the model's tokens, where it is known.
    public func problems(vocabulary: Int? = nil) -> [String] {
        lengthProblems + choiceProblems + (beams?.problems(samples: samples) ?? [])
            + scoreProblems + tokenProblems(vocabulary)
    }

    /// More answers to a prompt are never wanted at once; each has keys and values of its own.
    private static let mostSamples = 65_536

    private var lengthProblems: [String] {
        var problems: [String] = []
        if maximumTokens < 1 { problems.append("--max-tokens must be at least 1, not \(maximumTokens)") }
        if let maximumLength, maximumLength < 1 {
            problems.append("--max-length must be at least 1, not \(maximumLength)")
        }
        if minimumTokens < 0 {
            problems.append("--min-tokens must be 0 or more, not \(minimumTokens)")
        } else if maximumTokens >= 1, minimumTokens > maximumTokens {
            problems.append("--min-tokens \(minimumTokens) is more than --max-tokens \(maximumTokens)")
        }
        if stop.contains("") { problems.append("--stop must not be empty") }
        return problems
    }

    private var choiceProblems: [String] {
        var problems: [String] = []
        if !temperature.isFinite || temperature < 0 {
            problems.append("--temperature must be 0 or more, not \(temperature)")
        }
        if let topK, topK < 0 { problems.append("--top-k must be 0 or more, not \(topK)") }
        if let topP, !(topP > 0 && topP <= 1) { problems.append("--top-p must be above 0 and at most 1, not \(topP)") }
        if let minP, !(minP >= 0 && minP <= 1) { problems.append("--min-p must be within 0 and 1, not \(minP)") }
        if samples < 1 || samples > Self.mostSamples {
            problems.append("--samples must be at least 1 and at most \(Self.mostSamples), not \(samples)")
        } else if samples > 1, beams == nil, temperature == 0 {
            problems.append("--samples \(samples) needs a --temperature above 0: without one all answers are the same")
        }
        return problems
    }

    private var scoreProblems: [String] {
        var problems: [String] = []
        if !repetitionPenalty.isFinite || repetitionPenalty <= 0 {
            problems.append("--repetition-penalty must be above 0, not \(repetitionPenalty)")
        }
        if !presencePenalty.isFinite {
            problems.append("--presence-penalty must be a finite number, not \(presencePenalty)")
        }
        if !frequencyPenalty.isFinite {
            problems.append("--frequency-penalty must be a finite number, not \(frequencyPenalty)")
        }
        if noRepeatNGram < 0 { problems.append("--no-repeat-ngram must be 0 or more, not \(noRepeatNGram)") }
        return problems
    }

    private func tokenProblems(_ vocabulary: Int?) -> [String] {
        func place(_ token: Int, _ option: String) -> String? {
            if token >= 0, token < vocabulary ?? .max { return nil }
            return "\(option): token \(token) is not "
                + (vocabulary.map { "within 0..<\($0)" } ?? "a token: it is below 0")
        }
        return logitBias.sorted { $0.key < $1.key }.flatMap { token, bias in
            [
                place(token, "--logit-bias"),
                bias.isFinite
                    ? nil : "--logit-bias: the bias of token \(token) is \(bias), not a finite number; --ban bans it",
            ].compactMap { $0 }
        } + bannedTokens.compactMap { place($0, "--ban") } + (endTokens ?? []).compactMap { place($0, "--end-token") }
    }
}

extension BeamSettings {
    func problems(samples: Int) -> [String] {
        var problems: [String] = []
        if count < 1 || count > Self.most { problems.append("--beams must be within 1 and \(Self.most), not \(count)") }
        if !lengthPenalty.isFinite {
            problems.append("--length-penalty must be a finite number, not \(lengthPenalty)")
        }
        if returned < 1 {
            problems.append("--return must be at least 1, not \(returned)")
        } else if count >= 1, returned > count {
            problems.append("--return \(returned) is more than --beams \(count)")
        }
        if samples > 1 { problems.append("--samples goes without --beams: --return gives several answers of a search") }
        return problems
    }

    /// More beams than that are a mistake.
    static let most = 1024
}
