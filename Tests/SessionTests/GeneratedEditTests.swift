import Foundation
import InterventionDSL
import ReFTPresets
import Testing

@testable import Session

/// Edits while generating: those of pyvene, and at all kinds of positions those of the whole sequence without a cache.
@Suite struct GeneratedEditTests {
    struct Case: Decodable, CustomTestStringConvertible {
        var name: String
        var model: String
        var prompt: [Int32]
        var beams: Int
        var state: [String: [Float]]
        var answers: [[Int32]]
        var scores: [Double]?

        var testDescription: String { name }
    }

    private static func fixture() throws -> (cases: [Case], programs: [Data]) {
        let data = try Data(contentsOf: PeerFixtures.folder.appendingPathComponent("generation/edits.json"))
        let objects = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        return (
            try JSONDecoder().decode([Case].self, from: data),
            try objects.map { try JSONSerialization.data(withJSONObject: $0["program"] ?? [:]) }
        )
    }

    @Test func editsArePyvenes() throws {
        let (cases, programs) = try Self.fixture()
        #expect(cases.count == 40)
        for (one, program) in zip(cases, programs) {
            let session = try Session(
                PeerFixtures.model(one.model), program: Program(json: program, registry: .general + .reft))
            for (name, values) in one.state { try session.parameters.set(name, values) }
            var settings = GenerationSettings(maximumTokens: 12)
            settings.ignoresEnd = true
            if one.beams > 0 { settings.beams = BeamSettings(one.beams, returned: one.beams) }
            let answers = try session.generate([Example(tokens: one.prompt)], settings: settings)
            #expect(answers.map(\.tokens) == one.answers, "\(one.name)")
            for (answer, score) in zip(answers, one.scores ?? []) {
                #expect(abs((answer.score ?? .nan) - score) <= 1e-4, "\(one.name)")
            }
        }
    }

    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7]]
    /// The field holds a prompt row and a row that is generated.
    private static let examples = prompts.map { Example(tokens: $0, fields: ["chosen": [0, $0.count + 2]]) }

    /// Positions that mean the same rows however much of the sequence is there.
    static let positions: [Positions] = plain + joined + windows

    private static let plain: [Positions] = [
        .all, .prompt, .generated, .first(2), .last(2), .at(0), .at(-1), .field("chosen"),
        .tokens(5, 7, 65, 90, 52, 62, 40), .sequence.first(7), .sequence.at(6), .sequence.tokens(4, 52, 40, 91, 7),
    ]
    private static let joined: [Positions] = [
        .first(1) + .last(1), .all - .last(1), .generated + .first(1), .all - .field("chosen"),
    ]
    private static let windows: [Positions] = [
        Positions.generated(every: 3), Positions.generated(2...5), Positions.generated(at: 0, 4),
    ]

    @Test(arguments: ["llama", "gpt2"], positions.indices)
    func everyPositionIsThatOfTheWholeSequence(model: String, index: Int) throws {
        let positions = Self.positions[index]
        // Whole edits and parts of edits.
        let scale = index % 2 == 0 ? 1 : 0.4
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 0).at(positions).tied(across: .positions).scaled(scale)
            Scale(by: 1.7).on(.headOutput, layer: 1, head: 1).at(positions).scaled(scale)
            NodiReFT(rank: 1).on(.blockOutput, layers: .all).at(positions).tied(across: .positions)
        }
        let session = try Session(PeerFixtures.model(model), program: program, seed: 9)
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        settings.scores = true
        for (answer, prompt) in zip(try session.generate(Self.examples, settings: settings), Self.examples) {
            var whole = prompt
            whole.tokens += answer.tokens
            whole.givenPromptLength = prompt.tokens.count
            let logits = try #require(try session.run([whole]).logits)
            var sum = 0.0
            for (step, token) in answer.tokens.enumerated() {
                let start = (prompt.tokens.count + step - 1) * logits.columns
                let row = Array(logits.values[start..<start + logits.columns])
                let highest = try #require(row.max())
                #expect(highest - row[Int(token)] <= 1e-4 * abs(highest), "\(positions), step \(step)")
                sum += Double(row.logProbabilities()[Int(token)])
            }
            #expect(abs((answer.score ?? .nan) - sum) <= 1e-4, "\(positions)")
        }
    }

    /// `sequence:l1` means the last row as it is when a row is computed, so every generated row once it is the last.
    @Test func theLastRowOfTheSequenceIsEachGeneratedRowInTurn() throws {
        let growing = try Session(
            PeerFixtures.model("llama"),
            program: Program { Scale(by: 0.5).on(.blockOutput, layer: 0).at(.sequence.last(1)) })
        let fixed = try Session(
            growing.model, program: Program { Scale(by: 0.5).on(.blockOutput, layer: 0).at(.last(1) + .generated) })
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        #expect(
            try growing.generate(Self.examples, settings: settings)
                == fixed.generate(Self.examples, settings: settings))
    }

    /// The other sequences of a batch end one by one, so that a draw from them would depend on which are left.
    @Test func rowsOfOtherSequencesAreForPrompts() throws {
        func session(_ positions: Positions) throws -> Session {
            try Session(
                PeerFixtures.model("llama"),
                program: Program { ResampleAblation().on(.blockOutput, layer: 0).at(positions) })
        }
        let message =
            "'resampleablation' draws rows from the other sequences of a batch, which end one by one in generation: "
            + "give it positions without generated rows, such as 'prompt', or a run to read instead"
        let positions: [Positions] = [.all, .generated, .last + .generated(every: 2), .sequence.last, .field("chosen")]
        for positions in positions {
            for settings in [GenerationSettings(maximumTokens: 1), GenerationSettings(maximumTokens: 6)] {
                #expect {
                    try session(positions).generate(Self.examples, settings: settings)
                } throws: {
                    "\($0)" == message
                }
            }
        }
        // Prompts are a batch of which nobody has ended; afterwards a sequence may be the last one.
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        let plain = try Session(PeerFixtures.model("llama")).generate(Self.examples, settings: settings)
        (settings.ignoresEnd, settings.endTokens) = (false, [Int(plain[0].tokens[1])])
        for positions in [Positions.prompt, .last, .field("chosen") - .generated] {
            let answers = try session(positions).generate(Self.examples, settings: settings)
            #expect(answers.count == 3 && answers.allSatisfy { !$0.tokens.isEmpty }, "\(positions)")
        }
        #expect {
            try session(.prompt).generate([Self.examples[0]], settings: settings)
        } throws: {
            "\($0)" == "'resampleablation' draws rows from other sequences: the batch needs at least two that it edits"
        }
    }

    @Test func declarationsForGeneratedRowsThatNeverFireAreNamed() throws {
        let session = try Session(
            PeerFixtures.model("llama"),
            program: Program {
                Zero().on(.mlpOutput, layers: .all).at(.sequence.tokens(95)).named("rare")
                Zero().on(.mlpOutput, layer: 0).at(.generated).named("late")
            })
        var settings = GenerationSettings(maximumTokens: 1)
        settings.bannedTokens = [95]
        var warnings: [String] = []
        _ = try session.generate([Example(tokens: [5, 6])], settings: settings, warn: { warnings.append($0) })
        #expect(
            warnings == [
                "'rare' edited nothing: its positions 'sequence:tokens:95' mean no row that was computed",
                "'late' edited nothing: its positions 'generated' mean no row that was computed",
            ])
        settings.maximumTokens = 2
        warnings = []
        _ = try session.generate([Example(tokens: [5, 6])], settings: settings, warn: { warnings.append($0) })
        #expect(warnings.count == 1)
    }
}
