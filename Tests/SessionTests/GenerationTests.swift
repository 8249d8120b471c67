import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Testing

@testable import Session

@Suite struct GenerationTests {
    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7]]

    /// Programs that edit prompt rows, all rows, and generated rows.
    static let programs: [(String, Program)] = [
        ("prompt", Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.first(1) + .last(1)) }),
        ("all", Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.all) }),
        ("generated", Program { Scale(by: 0.5).on(.mlpOutput, layer: 1).at(.generated) }),
        ("heads", Program { Zero().on(.attentionOutput, layer: 0).at(.prompt) }),
    ]

    /// What generation computes with stored keys and values is what the whole sequence gives without any: at each step
    /// the token is the likeliest one of the last row.
    @Test(arguments: programs.indices) func storedRowsAreTheRowsOfTheWholeSequence(index: Int) throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.programs[index].1, seed: 3)
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        let answers = try session.generate(Self.prompts.map { Example(tokens: $0) }, settings: settings)
        #expect(answers.count == 3)
        for (prompt, answer) in zip(Self.prompts, answers) {
            #expect(answer.tokens.count == 8 && answer.ending == .length)
            let whole = Example(tokens: prompt + answer.tokens, promptLength: prompt.count)
            let logits = try #require(try session.run([whole]).logits)
            for (step, token) in answer.tokens.enumerated() {
                let row = logits.values.dropFirst((prompt.count + step - 1) * logits.columns).prefix(logits.columns)
                let highest = try #require(row.max())
                let chosen = row[row.startIndex + Int(token)]
                #expect(highest - chosen <= 1e-4 * abs(highest), "\(Self.programs[index].0), step \(step)")
            }
        }
    }

    @Test func oneSeedGivesTheSameTokensAndPromptsHaveTheirOwnDraws() throws {
        let session = try Session(PeerFixtures.model("gpt2"))
        func tokens(_ seed: UInt64) throws -> [[Int32]] {
            let settings = GenerationSettings(maximumTokens: 10, temperature: 1.5, topK: 50, topP: 0.9, seed: seed)
            return try session.generate([Example(tokens: [5, 6]), Example(tokens: [5, 6])], settings: settings)
                .map(\.tokens)
        }
        #expect(try tokens(1) == tokens(1))
        #expect(try tokens(1) != tokens(2))
        let both = try tokens(1)
        #expect(both[0] != both[1])
    }

    @Test func generationEndsAtTheLastPosition() throws {
        let session = try Session(PeerFixtures.model("gpt2"))
        let limit = try #require(session.model.sizes.positionLimit)
        var settings = GenerationSettings(maximumTokens: 10)
        settings.ignoresEnd = true
        let prompt = [Int32](repeating: 5, count: limit - 3)
        let answer = try session.generate([Example(tokens: prompt)], settings: settings)[0]
        #expect(answer.tokens.count == 3 && answer.ending == .length)
    }

    @Test func whatCanNotBeGeneratedFromIsRefused() throws {
        let bert = try Session(PeerFixtures.model("bert"))
        #expect { try bert.generate([Example(tokens: [1])]) } throws: {
            "\($0)" == "bert does not fit: this needs a language model, which scores the next token"
        }
        let llama = try Session(PeerFixtures.model("llama"))
        #expect { try llama.generate([]) } throws: { "\($0)" == "input: there is no sequence: at least one is needed" }
        #expect { try llama.generate([Example(tokens: [])]) } throws: {
            "\($0)" == "input: sequence 0 is empty: at least one token is needed"
        }
        #expect {
            try llama.generate([Example(tokens: [1])], settings: GenerationSettings(maximumTokens: 0, temperature: -1))
        } throws: {
            "\($0)" == "--max-tokens must be at least 1, not 0\n--temperature must be 0 or more, not -1.0"
        }
    }
}

@Suite struct SamplerTests {
    private func choice(_ logits: [Float], _ uniform: Double, _ settings: GenerationSettings) -> Int {
        logits.withUnsafeBufferPointer { Sampler(settings: settings).choose($0, uniform: uniform) }
    }

    /// Probabilities 1/7, 4/7, 2/7: sorted 4/7 (token 1), 2/7 (token 2), 1/7 (token 0).
    private let logits: [Float] = [0, 2 * 0.6931472, 0.6931472]

    @Test func drawsFollowTheSortedProbabilities() {
        let plain = GenerationSettings(maximumTokens: 1, temperature: 1)
        #expect([0, 0.57, 0.58, 0.85, 0.86, 0.999].map { choice(logits, $0, plain) } == [1, 1, 2, 2, 0, 0])
        // Temperature 0.5 squares the weights: 16/21, 4/21, 1/21.
        let cold = GenerationSettings(maximumTokens: 1, temperature: 0.5)
        #expect([0.76, 0.77, 0.95, 0.96].map { choice(logits, $0, cold) } == [1, 2, 2, 0])
    }

    @Test func topKAndTopPKeepTheLikeliest() {
        let two = GenerationSettings(maximumTokens: 1, temperature: 1, topK: 2)
        #expect([0.66, 0.67, 0.999].map { choice(logits, $0, two) } == [1, 2, 2])
        // 4/7 alone does not reach 0.6, so the second stays; 0.57 is reached by the first alone.
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topP: 0.6)) == 2)
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topP: 0.57)) == 1)
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1, temperature: 1, topK: 1)) == 1)
        #expect(choice(logits, 0.999, GenerationSettings(maximumTokens: 1)) == 1)
        #expect(choice([1, 3, 3], 0.9, GenerationSettings(maximumTokens: 1)) == 1)
    }
}

@Suite struct StopTextTests {
    private func shown(_ pieces: [String], _ stops: [String]) -> (pieces: [String], text: String, isMet: Bool) {
        var stop = StopText(stops)
        var shown = pieces.map { stop.push($0) }
        shown.append(stop.finish())
        return (shown, stop.released, stop.isMet)
    }

    @Test func textThatMayBecomeAStopIsHeldBack() {
        let ended = shown(["ab", "c\n", "\nd"], ["\n\n"])
        #expect(ended.pieces == ["ab", "c", "", ""] && ended.text == "abc" && ended.isMet)
        let open = shown(["ab\n", "c", "\n"], ["\n\n"])
        #expect(open.pieces == ["ab", "\nc", "", "\n"] && open.text == "ab\nc\n" && !open.isMet)
    }

    @Test func theFirstStopInTheTextCounts() {
        #expect(shown(["one two three"], ["three", "two"]).text == "one ")
        #expect(shown(["aaab"], ["aab"]).text == "a")
        #expect(shown(["abc"], []).pieces == ["abc", ""])
    }
}
