import InterventionDSL
import ReFTPresets
import Testing

@testable import Session

@Suite struct BeamSearchTests {
    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7]]

    /// Programs that edit prompt rows, all rows, generated rows, several at once, and fractions of edits.
    static let programs: [(String, Program)] = [
        ("prompt", Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.first(1) + .last(1)) }),
        ("all", Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.all).scaled(0.5) }),
        ("generated", Program { Scale(by: 0.5).on(.mlpOutput, layer: 1).at(.generated) }),
        (
            "several",
            Program {
                NodiReFT(rank: 3).on(.blockOutput, layer: 0).at(.all)
                Zero().on(.headOutput, layer: 1, head: 2).at(.generated).scaled(0.7)
                Scale(by: 1.5).on(.mlpActivation, layer: 0).at(.field("chosen"))
                LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.all - .last(2))
            }
        ),
    ]

    private static let examples = prompts.map { Example(tokens: $0, fields: ["chosen": [0, $0.count + 1]]) }

    /// A search over whole sequences, each run again from its beginning without stored keys and values.
    private func wholeSequenceSearch(
        _ session: Session, _ prompt: Example, _ beams: BeamSettings, _ tokens: Int
    ) throws -> [GeneratedText] {
        let room = AnswerRoom(
            prompt: prompt.tokens.count, GenerationSettings(maximumTokens: tokens), session.model.sizes)
        var search = BeamSearch(
            prompt: 0, GrowingAnswer(nil, stop: []), beams, endTokens: [], room: room)
        while !search.isDone {
            var scores: [Float] = []
            for beam in search.running {
                let whole = Example(
                    tokens: prompt.tokens + beam.answer.tokens, promptLength: prompt.tokens.count,
                    fields: prompt.fields.mapValues {
                        $0.filter { $0 < prompt.tokens.count + beam.answer.tokens.count }
                    })
                let logits = try #require(try session.run([whole]).logits)
                scores += Array(logits.values.suffix(logits.columns)).logProbabilities().map { $0 + Float(beam.score) }
            }
            let columns = session.model.sizes.vocabulary
            _ = search.advance(
                scores.likeliest(search.width).map {
                    .init(parent: $0 / columns, token: $0 % columns, score: Double(scores[$0]))
                })
        }
        return search.answers
    }

    @Test(arguments: ["llama", "gpt2"], programs.indices)
    func editsInBeamsAreThoseOfWholeSequences(model: String, index: Int) throws {
        let session = try Session(PeerFixtures.model(model), program: Self.programs[index].1, seed: 3)
        let beams = BeamSettings(3, returned: 3)
        var settings = GenerationSettings(maximumTokens: 7, beams: beams)
        settings.ignoresEnd = true
        let answers = try session.generate(Self.examples, settings: settings)
        for (place, prompt) in Self.examples.enumerated() {
            let whole = try wholeSequenceSearch(session, prompt, beams, 7)
            let found = answers.filter { $0.prompt == place }
            #expect(found.map(\.tokens) == whole.map(\.tokens), "\(Self.programs[index].0), prompt \(place)")
            for (answer, expected) in zip(found, whole) {
                #expect(abs((answer.score ?? 0) - (expected.score ?? 1)) <= 1e-4)
            }
        }
    }

    @Test func drawnBeamsAreTheLikeliestOnesWhenItIsCold() throws {
        let session = try Session(PeerFixtures.model("llama"))
        let prompts = Self.prompts.map { Example(tokens: $0) }
        var settings = GenerationSettings(maximumTokens: 8, beams: BeamSettings(3, returned: 2))
        settings.ignoresEnd = true
        let taken = try session.generate(prompts, settings: settings)
        settings.temperature = 1e-4
        #expect(try session.generate(prompts, settings: settings).map(\.tokens) == taken.map(\.tokens))
        settings.temperature = 1.5
        let drawn = try session.generate(prompts, settings: settings)
        #expect(drawn.map(\.tokens) != taken.map(\.tokens))
        #expect(try session.generate(prompts, settings: settings) == drawn)
        settings.seed = 1
        #expect(try session.generate(prompts, settings: settings) != drawn)
    }

    @Test func oneBeamIsGreedy() throws {
        let session = try Session(PeerFixtures.model("gpt2"))
        let prompts = Self.prompts.map { Example(tokens: $0) }
        let greedy = try session.generate(prompts, settings: GenerationSettings(maximumTokens: 8))
        let one = try session.generate(prompts, settings: GenerationSettings(maximumTokens: 8, beams: BeamSettings(1)))
        #expect(greedy == one)
    }
}
