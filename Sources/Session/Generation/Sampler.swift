import Foundation

/// Chooses the next token from a row of logits: temperature, then top-k, then top-p, as transformers orders them.
struct Sampler: Sendable {
    let settings: GenerationSettings

    /// The chosen token.
    /// - Parameter uniform: a number in [0, 1) that decides the draw.
    func choose(_ logits: UnsafeBufferPointer<Float>, uniform: Double) -> Int {
        guard settings.temperature > 0, settings.topK != 1 else { return Self.likeliest(logits) }
        var candidates = likeliestCandidates(logits)
        let highest = candidates.first?.logit ?? 0
        var total = 0.0
        for index in candidates.indices {
            candidates[index].weight = exp(Double(candidates[index].logit - highest) / settings.temperature)
            total += candidates[index].weight
        }
        if let topP = settings.topP, topP < 1 {
            // The smallest set of likeliest tokens that reaches p; the first always stays.
            var reached = 0.0
            var count = 0
            while count < candidates.count, count == 0 || reached < topP * total {
                reached += candidates[count].weight
                count += 1
            }
            candidates.removeSubrange(count...)
            total = reached
        }
        var remaining = uniform * total
        for candidate in candidates {
            remaining -= candidate.weight
            if remaining < 0 { return candidate.token }
        }
        return candidates.last?.token ?? 0
    }

    /// The first of the largest logits.
    static func likeliest(_ logits: UnsafeBufferPointer<Float>) -> Int {
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        return best
    }

    private struct Candidate {
        var token: Int
        var logit: Float
        var weight = 0.0
    }

    /// The candidates that top-k leaves, likeliest first; equal logits in the order of their tokens.
    private func likeliestCandidates(_ logits: UnsafeBufferPointer<Float>) -> [Candidate] {
        var threshold = -Float.infinity
        if let topK = settings.topK, topK > 0, topK < logits.count {
            threshold = logits.sorted(by: >)[topK - 1]
        }
        var candidates: [Candidate] = []
        for (token, logit) in logits.enumerated() where logit >= threshold {
            candidates.append(Candidate(token: token, logit: logit))
        }
        candidates.sort { ($0.logit, $1.token) > ($1.logit, $0.token) }
        return candidates
    }
}
