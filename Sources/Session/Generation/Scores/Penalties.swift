/// score + bias for some tokens.
struct LogitBias: LogitsProcessor {
    let bias: [Int: Double]

    func process(_ scores: inout [Float], after history: TokenHistory) {
        for (token, bias) in bias where scores.indices.contains(token) { scores[token] += Float(bias) }
    }
}

/// Tokens of prompt and answer: score / penalty if positive, else score · penalty (Keskar et al. 2019).
struct RepetitionPenalty: LogitsProcessor {
    let penalty: Double

    func process(_ scores: inout [Float], after history: TokenHistory) {
        for token in Set(history.prompt).union(history.answer) where scores.indices.contains(Int(token)) {
            let score = scores[Int(token)]
            scores[Int(token)] = score < 0 ? score * Float(penalty) : score / Float(penalty)
        }
    }
}

/// Tokens that the answer holds n times: score − presence − n · frequency.
struct OccurrencePenalty: LogitsProcessor {
    let presence: Double
    let frequency: Double

    func process(_ scores: inout [Float], after history: TokenHistory) {
        let counts = history.answer.reduce(into: [Int32: Int]()) { $0[$1, default: 0] += 1 }
        for (token, count) in counts where scores.indices.contains(Int(token)) {
            scores[Int(token)] -= Float(presence + frequency * Double(count))
        }
    }
}

/// Forbids the tokens that would repeat `size` tokens of prompt and answer in a row.
struct NoRepeatedNGrams: LogitsProcessor {
    let size: Int

    func process(_ scores: inout [Float], after history: TokenHistory) {
        let tokens = history.prompt + history.answer
        guard tokens.count >= size else { return }
        let end = tokens.suffix(size - 1)
        for start in 0...tokens.count - size where tokens[start..<start + size - 1].elementsEqual(end) {
            let token = Int(tokens[start + size - 1])
            if scores.indices.contains(token) { scores[token] = -.infinity }
        }
    }
}

/// Forbids tokens.
struct BannedTokens: LogitsProcessor {
    let tokens: [Int]

    func process(_ scores: inout [Float], after history: TokenHistory) {
        for token in tokens where scores.indices.contains(token) { scores[token] = -.infinity }
    }
}

/// Forbids the end tokens while the answer is short.
struct MinimumLength: LogitsProcessor {
    let tokens: Int
    let ends: [Int]

    func process(_ scores: inout [Float], after history: TokenHistory) {
        guard history.answer.count < tokens else { return }
        for token in ends where scores.indices.contains(token) { scores[token] = -.infinity }
    }
}
