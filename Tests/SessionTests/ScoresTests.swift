import Foundation
import Testing

@testable import Session

@Suite struct ScoresTests {
    private func chain(_ settings: GenerationSettings, ends: Set<Int32> = []) -> LogitsChain {
        LogitsChain(settings, endTokens: ends)
    }

    private func choice(_ logits: [Float], _ uniform: Double, _ settings: GenerationSettings) -> Int? {
        var scores = logits
        chain(settings).process(&scores, after: TokenHistory(prompt: []))
        return Candidates(scores).drawn(uniform)
    }

    /// Probabilities 1/7, 4/7, 2/7: sorted 4/7 (token 1), 2/7 (token 2), 1/7 (token 0).
    private let logits: [Float] = [0, 2 * 0.6931472, 0.6931472]

    @Test func drawsFollowTheSortedProbabilities() {
        let plain = GenerationSettings(maximumTokens: 1, temperature: 1)
        #expect([0, 0.57, 0.58, 0.85, 0.86, 0.999].map { choice(logits, $0, plain) } == [1, 1, 2, 2, 0, 0])
        // Temperature 0.5 squares the weights: 16/21, 4/21, 1/21.
        let cold = GenerationSettings(maximumTokens: 1, temperature: 0.5)
        #expect([0.76, 0.77, 0.95, 0.96].map { choice(logits, $0, cold) } == [1, 2, 2, 0])
        #expect(choice([-.infinity, -.infinity], 0.5, plain) == nil)
    }

    @Test func topKAndTopPKeepTheLikeliest() {
        let two = GenerationSettings(maximumTokens: 1, temperature: 1, topK: 2)
        #expect([0.66, 0.67, 0.999].map { choice(logits, $0, two) } == [1, 2, 2])
        // 4/7 alone does not reach 0.6, so the second stays; 0.57 is reached by the first alone.
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topP: 0.6)) == 2)
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topP: 0.57)) == 1)
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topK: 1)) == 1)
    }

    @Test func warpersAreThoseOfTransformers() throws {
        let data = try Data(contentsOf: PeerFixtures.folder.appendingPathComponent("generation/warpers.json"))
        let cases = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        #expect(cases.count == 10)
        for one in cases {
            let given = try #require(one["settings"] as? [String: Double])
            var settings = GenerationSettings(
                maximumTokens: 1, temperature: given["temperature"] ?? 1, topK: given["top_k"].map { Int($0) },
                topP: given["top_p"])
            settings.minP = given["min_p"]
            // transformers keeps one token more than there are ends in beam search.
            let kept = Int(given["kept"] ?? 1)
            if kept > 1 { settings.beams = BeamSettings(4) }
            var scores = try #require(one["scores"] as? [Double]).map { Float($0) }
            chain(settings, ends: Set((0..<Int32(kept - 1)))).process(&scores, after: TokenHistory(prompt: []))
            let warped = try #require(one["warped"] as? [Any]).map { ($0 as? Double).map { Float($0) } ?? -.infinity }
            for (found, expected) in zip(scores, warped) {
                #expect(found == expected || abs(found - expected) <= 1e-6 * abs(expected), "\(given)")
            }
        }
    }

    @Test func likeliestPlacesAreSortedAndStable() {
        #expect([Float]([1, 3, 2, 3, -.infinity]).likeliest(3) == [1, 3, 2])
        #expect([Float]([1, 3, 2, 3, -.infinity]).likeliest(9) == [1, 3, 2, 0])
        #expect([Float]([]).likeliest(2) == [])
        #expect([Float]([2, 2, 2]).likeliest(2) == [0, 1])
    }

    @Test func penaltiesFollowTheirFormulas() {
        let history = TokenHistory(prompt: [0, 1, 2, 0, 1], answer: [3, 3, 0, 1])
        var scores = [Float](repeating: 2, count: 5)
        scores[3] = -2
        var settings = GenerationSettings()
        settings.repetitionPenalty = 2
        settings.presencePenalty = 0.5
        settings.frequencyPenalty = 0.25
        chain(settings).process(&scores, after: history)
        // Tokens 0–3 are there; the answer holds 3 twice, 0 and 1 once.
        let expected: [Float] = [0.25, 0.25, 1, -5, 2]
        #expect(scores == expected)

        settings = GenerationSettings()
        settings.noRepeatNGram = 3
        var open = [Float](repeating: 0, count: 5)
        chain(settings).process(&open, after: history)
        // 0 1 was followed by 2 and by 3.
        #expect(open.indices.filter { open[$0] == -.infinity } == [2, 3])
        settings.noRepeatNGram = 1
        chain(settings).process(&open, after: history)
        #expect(open.indices.filter { open[$0] == -.infinity } == [0, 1, 2, 3])
        settings = GenerationSettings()
        settings.minimumTokens = 5
        chain(settings, ends: [4]).process(&open, after: history)
        #expect(open.allSatisfy { $0 == -.infinity })
    }
}
