import Foundation

/// score / temperature, with the largest score moved to 0 where quotients would leave the range of f32.
struct Temperature: LogitsProcessor {
    let temperature: Double

    func process(_ scores: inout [Float], after history: TokenHistory) {
        guard temperature < 1e-30 else {
            for token in scores.indices { scores[token] /= Float(temperature) }
            return
        }
        let largest = scores.max() ?? 0
        for token in scores.indices { scores[token] = scores[token] == largest ? 0 : -.infinity }
    }
}

/// Forbids all but the `count` likeliest tokens and those that are as likely as the last of them.
struct TopK: LogitsProcessor {
    let count: Int

    func process(_ scores: inout [Float], after history: TokenHistory) {
        guard count < scores.count else { return }
        let threshold = scores.likeliest(count).last.map { scores[$0] } ?? -.infinity
        for token in scores.indices where scores[token] < threshold { scores[token] = -.infinity }
    }
}

/// Forbids all but the smallest set of likeliest tokens whose probabilities reach `share` (Holtzman et al. 2020).
struct TopP: LogitsProcessor {
    let share: Double
    /// At least as many stay.
    let kept: Int

    func process(_ scores: inout [Float], after history: TokenHistory) {
        let candidates = Candidates(scores)
        var reached = 0.0
        for (place, weight) in candidates.weights.enumerated() {
            if place >= kept, reached >= share * candidates.total { scores[candidates.tokens[place]] = -.infinity }
            reached += weight
        }
    }
}

/// Forbids tokens less than `share` times as probable as the likeliest one (Nguyen et al. 2024).
struct MinP: LogitsProcessor {
    let share: Double
    /// At least as many stay.
    let kept: Int

    func process(_ scores: inout [Float], after history: TokenHistory) {
        let candidates = Candidates(scores)
        for (place, weight) in candidates.weights.enumerated() where place >= kept && weight < share {
            scores[candidates.tokens[place]] = -.infinity
        }
    }
}

/// The tokens that are not forbidden, likeliest first, equally likely ones in the order of their ids.
struct Candidates {
    private(set) var tokens: [Int]
    /// The probability of each, as a share of the likeliest one's.
    private(set) var weights: [Double]
    private(set) var total: Double

    init(_ scores: [Float]) {
        tokens = scores.indices.filter { scores[$0] > -.infinity }
        tokens.sort { (scores[$0], $1) > (scores[$1], $0) }
        let highest = tokens.first.map { Double(scores[$0]) } ?? 0
        weights = tokens.map { exp(Double(scores[$0]) - highest) }
        total = weights.reduce(0, +)
    }

    /// The token that a number in [0, 1) decides on; nil if all are forbidden.
    func drawn(_ uniform: Double) -> Int? {
        var remaining = uniform * total
        for (token, weight) in zip(tokens, weights) {
            remaining -= weight
            if remaining < 0 { return token }
        }
        return tokens.last
    }
}

extension [Float] {
    /// The places of the `count` largest numbers, the largest first, equal ones in their order; −∞ is left out.
    func likeliest(_ count: Int) -> [Int] {
        var found: [Int] = []
        guard count > 0 else { return found }
        found.reserveCapacity(count + 1)
        for (place, number) in enumerated() where number > -.infinity {
            if found.count == count, let last = found.last, !(number > self[last]) { continue }
            // The places before which a smaller number stands, found by halving.
            var (low, high) = (0, found.count)
            while low < high {
                let middle = (low + high) / 2
                if number > self[found[middle]] { high = middle } else { low = middle + 1 }
            }
            found.insert(place, at: low)
            if found.count > count { found.removeLast() }
        }
        return found
    }

    /// log softmax, summed up in Float64.
    func logProbabilities() -> [Float] {
        let normaliser = logNormaliser()
        return map { Float(Double($0) - normaliser) }
    }

    /// log Σ exp.
    func logNormaliser() -> Double { withUnsafeBufferPointer { $0.logNormaliser() } }
}

extension UnsafeBufferPointer<Float> {
    /// log Σ exp, summed up in Float64.
    func logNormaliser() -> Double {
        let highest = self.max() ?? 0
        guard highest > -.infinity else { return 0 }
        var sum = 0.0
        for number in self { sum += exp(Double(number - highest)) }
        return Double(highest) + log(sum)
    }

    /// The first of the largest numbers; nil if all are −∞.
    func likeliest() -> Int? {
        guard count > 0 else { return nil }
        var best = 0
        for index in 0..<count where self[index] > self[best] { best = index }
        return self[best] == -.infinity ? nil : best
    }
}
