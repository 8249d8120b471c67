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

    /// A callback may generate too: both answers are what they are alone.
    @Test func generationsWithinGenerationsAreThemselves() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.programs[1].1, seed: 3)
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        let examples = Self.prompts.map { Example(tokens: $0) }
        let prompts = [[examples[0]], [examples[1], examples[2]]]
        let alone = try prompts.map { try session.generate($0, settings: settings).map(\.tokens) }
        var inner: [[[Int32]]] = []
        let outer = try session.generate(
            prompts[0], settings: settings,
            onStep: { _ in
                inner.append((try? session.generate(prompts[1], settings: settings).map(\.tokens)) ?? [])
                return true
            })
        #expect(outer.map(\.tokens) == alone[0])
        #expect(inner == Array(repeating: alone[1], count: 8))
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
        #expect(answer.tokens.count == 3 && answer.ending == .context)
    }

    @Test func rotaryModelsEndAtTheirContextUnlessAskedToGoOn() throws {
        let session = try Session(PeerFixtures.model("llama"))
        let context = session.model.sizes.context
        #expect(session.model.sizes.positionLimit == nil)
        var settings = GenerationSettings(maximumTokens: 10)
        settings.ignoresEnd = true
        let prompt = Example(tokens: [Int32](repeating: 5, count: context - 3))
        let ended = try session.generate([prompt], settings: settings)[0]
        #expect(ended.tokens.count == 3 && ended.ending == .context)
        settings.maximumTokens = 3
        #expect(try session.generate([prompt], settings: settings)[0].ending == .length)
        settings.maximumTokens = 10
        settings.goesBeyondContext = true
        let beyond = try session.generate([prompt], settings: settings)[0]
        #expect(beyond.tokens.count == 10 && beyond.ending == .length)
        #expect(beyond.tokens.starts(with: ended.tokens))
    }

    @Test func promptsWithoutRoomForAnAnswerAreRefused() throws {
        var settings = GenerationSettings(maximumTokens: 10)
        settings.maximumLength = 4
        let prompts = [[Int32](repeating: 5, count: 64), [5, 6, 7, 8], [5]].map { Example(tokens: $0) }
        let expected = """
            input: sequence 0 has 64 tokens, which leaves no room for an answer within --max-length 4
            input: sequence 1 has 4 tokens, which leaves no room for an answer within --max-length 4
            """
        #expect {
            try Session(PeerFixtures.model("llama")).generate(prompts, settings: settings)
        } throws: {
            "\($0)" == expected
        }
        settings.maximumLength = nil
        #expect {
            try Session(PeerFixtures.model("llama")).generate(prompts, settings: settings)
        } throws: {
            "\($0)"
                == "input: sequence 0 has 64 tokens; the model's context of 64 leaves no room for an answer; --beyond-context goes on all the same"
        }
        #expect {
            try Session(PeerFixtures.model("gpt2")).generate(prompts, settings: settings)
        } throws: {
            "\($0)" == "input: sequence 0 has 64 tokens; the model's context of 64 leaves no room for an answer"
        }
    }

    @Test func severalAnswersToAPromptAreDrawnIndependently() throws {
        let session = try Session(PeerFixtures.model("gpt2"))
        let prompts = [Example(tokens: [5, 6]), Example(tokens: [7, 8, 9])]
        var settings = GenerationSettings(maximumTokens: 6, temperature: 1.2, seed: 4)
        settings.ignoresEnd = true
        let one = try session.generate(prompts, settings: settings)
        settings.samples = 3
        settings.scores = true
        let three = try session.generate(prompts, settings: settings)
        #expect(three.map(\.prompt) == [0, 0, 0, 1, 1, 1])
        #expect(three[0].tokens == one[0].tokens && three[3].tokens == one[1].tokens)
        #expect(Set(three.map(\.tokens)).count == 6)
        // The score is the sum of the model's log probabilities.
        for answer in three {
            let whole = Example(tokens: prompts[answer.prompt].tokens + answer.tokens)
            let logits = try #require(try session.run([whole]).logits)
            let sum = answer.tokens.enumerated().reduce(0.0) { sum, next in
                let row = prompts[answer.prompt].tokens.count + next.offset - 1
                let scores = Array(logits.values[row * logits.columns..<(row + 1) * logits.columns]).logProbabilities()
                return sum + Double(scores[Int(next.element)])
            }
            #expect(abs(try #require(answer.score) - sum) <= 1e-4)
        }
    }

    @Test func answersEndWhereEveryTokenIsForbidden() throws {
        let session = try Session(PeerFixtures.model("llama"))
        var settings = GenerationSettings(maximumTokens: 5)
        settings.bannedTokens = Array(0..<session.model.sizes.vocabulary)
        let prompts = [Example(tokens: [5, 6]), Example(tokens: [7])]
        #expect(try session.generate(prompts, settings: settings).map(\.ending) == [.noCandidate, .noCandidate])
        settings.temperature = 1
        #expect(try session.generate(prompts, settings: settings).map(\.ending) == [.noCandidate, .noCandidate])
        settings.beams = BeamSettings(3)
        #expect(try session.generate(prompts, settings: settings).map(\.ending) == [.noCandidate, .noCandidate])
    }

    @Test func aCallerCanStopAtAnyStep() throws {
        let session = try Session(PeerFixtures.model("llama"))
        let prompts = [Example(tokens: [5, 6]), Example(tokens: [7])]
        for beams in [nil, BeamSettings(2, returned: 2)] {
            var settings = GenerationSettings(maximumTokens: 9, beams: beams)
            settings.ignoresEnd = true
            var steps = 0
            let answers = try session.generate(prompts, settings: settings) { _ in
                steps += 1
                return steps < 5
            }
            #expect(answers.count == (beams == nil ? 2 : 4))
            #expect(answers.allSatisfy { $0.tokens.count == 3 && $0.ending == .cancelled })
        }
    }

    @Test func everythingWrongWithSettingsIsSaidAtOnce() throws {
        var settings = GenerationSettings(maximumTokens: 4, beams: BeamSettings(2, lengthPenalty: .nan, returned: 3))
        settings.minimumTokens = 5
        settings.minP = 1.5
        settings.repetitionPenalty = 0
        settings.noRepeatNGram = -1
        settings.logitBias = [3: .infinity, 700: 1]
        settings.bannedTokens = [-1]
        settings.endTokens = [96]
        let expected = """
            --min-tokens 5 is more than --max-tokens 4
            --min-p must be within 0 and 1, not 1.5
            --length-penalty must be a finite number, not nan
            --return 3 is more than --beams 2
            --repetition-penalty must be above 0, not 0.0
            --no-repeat-ngram must be 0 or more, not -1
            --logit-bias: the bias of token 3 is inf, not a finite number; --ban bans it
            --logit-bias: token 700 is not within 0..<96
            --ban: token -1 is not within 0..<96
            --end-token: token 96 is not within 0..<96
            """
        #expect {
            try Session(PeerFixtures.model("llama")).generate([Example(tokens: [5])], settings: settings)
        } throws: {
            "\($0)" == expected
        }
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
