import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// Positions mean the same rows in training, in evaluation and in generation, where earlier rows lie in a store.
@Suite struct PositionModesTests {
    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57]]

    static let positions: [Positions] = [
        .all, .prompt, .generated, .first(2) + .last(2), .at(0, -2), .rows(from: 1, through: -1), .field("subject"),
        .tokens(5, 64), .sequence.tokens(5, 64, 67), .generated(every: 2), .generated(every: 3) + .last,
        .generated(1...3), .generated(2...), .generated(at: 0, 4), .all - .generated(every: 2), .all - .prompt,
        .generated - .generated(1...2), .prompt - .field("subject"), .sequence.at(6), .all - .sequence.tokens(67),
        .sequence.first(8), .sequence.rows(from: 4, through: 6),
    ]

    private static func program(_ positions: Positions) -> Program {
        Program {
            LoReFT(rank: 2).on(.blockOutput, layer: 0).at(positions).tied(across: .positions).scaled(3)
            Scale(by: 0.2).on(.attentionOutput, layer: 1).at(positions)
            Scale(by: 0.5).on(.mlpOutput, layer: 1).at(positions)
        }
    }

    @Test(arguments: positions.indices) func threeModesAgree(index: Int) throws {
        let positions = Self.positions[index]
        let session = try Session(PeerFixtures.model("llama"), program: Self.program(positions), seed: 3)
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        let prompts = Self.prompts.map { Example(tokens: $0, fields: ["subject": [1, -1]]) }
        let answers = try session.generate(prompts, settings: settings)
        var wholes: [Example] = []
        for (prompt, answer) in zip(prompts, answers) {
            let tokens = prompt.tokens + answer.tokens
            let labels = tokens.enumerated().map { $0.offset < prompt.tokens.count ? Example.ignoredLabel : $0.element }
            wholes.append(Example(tokens: tokens, target: .tokens(labels), fields: prompt.fields))
        }
        // Generation: each token is the likeliest of the whole sequence's logits.
        let evaluated = try session.run(wholes)
        let logits = try #require(evaluated.logits)
        var start = 0
        for (prompt, answer) in zip(prompts, answers) {
            for (step, token) in answer.tokens.enumerated() {
                let first = (start + prompt.tokens.count + step - 1) * logits.columns
                let row = logits.values[first..<first + logits.columns]
                let highest = try #require(row.max())
                #expect(highest - row[first + Int(token)] <= 1e-4 * abs(highest), "\(positions), step \(step)")
            }
            start += prompt.tokens.count + answer.tokens.count
        }
        // Training: the same loss and gradients on the same sequences.
        let loss = try session.accumulateGradients(wholes, lossScale: 1 / Double(evaluated.labelCount))
        #expect(abs(loss - (evaluated.loss ?? .nan)) <= 1e-5 * abs(loss), "\(positions)")
        for gradient in try session.run(wholes, gradients: true).gradients {
            let trained = try session.parameters.gradient(of: gradient.name).floats()
            #expect(PeerFixtures.error(trained, gradient.values) <= 1e-5, "\(positions) \(gradient.name)")
        }
    }

    // MARK: What edits nothing

    @Test func whatFiresNowhereIsAnErrorInTrainingAndAWarningElsewhere() throws {
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.tokens(5) + .tokens(94)).named("edit")
            Scale(by: 2).on(.logits).at(.first).named("scores")
            Scale(by: 2).on(.mlpOutput, layer: 0).at(.generated(5...)).named("late")
        }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        let examples = [
            Example(tokens: [1, 5, 9], target: .tokens([-100, -100, 9])),
            Example(tokens: [1, 5, 9, 9], target: .tokens([-100, -100, 9, 9])),
        ]
        let counts = try session.editedRowCounts(in: examples, demand: .labelledRows)
        #expect(counts.map(\.declaration) == ["edit", "edit", "scores", "late"])
        #expect(counts.map(\.positions) == ["tokens:5", "tokens:94", "f1", "generated:5-"])
        #expect(counts.map(\.rows) == [2, 0, 0, 0])
        let places = program.declarations.map { "\($0.location)" }
        let error = #expect(throws: InputError.self) { try session.checkTrainingData(examples, file: "d") }
        #expect(
            error?.description == """
                d: \(places[0]): 'edit' can never fire: its positions 'tokens:94' mean no row of any example
                d: \(places[1]): 'scores' can never fire: its positions 'f1' mean no row of any example
                d: \(places[2]): 'late' can never fire: its positions 'generated:5-' mean no row of any example
                """)
        #expect(
            try session.run(examples).warnings == [
                "'edit' edits nothing: its positions 'tokens:94' mean no row of these sequences",
                "'late' edits nothing: its positions 'generated:5-' mean no row of these sequences",
            ])
        #expect(
            try session.warnings(for: examples, generating: true, "these prompts")
                == ["'edit' edits nothing: its positions 'tokens:94' mean no row of these prompts"])
    }

    // MARK: Without the program

    @Test(arguments: ["llama", "gpt2"]) func uneditedResultsStandBesideTheEdited(model: String) throws {
        let program = Program {
            Run("clean") { Scale(by: 2).on(.blockOutput, layer: 0).at(.all) }
            Run.base {
                LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.last).scaled(5)
                AddSource(from: "clean").on(.mlpOutput, layer: 1).at(.first)
            }
        }
        let session = try Session(PeerFixtures.model(model), program: program)
        let plain = try Session(session.model)
        let examples = [[5, 6, 7], [9, 8]].map { Example(tokens: $0, sources: ["clean": Example(tokens: [4, 4])]) }
        let spellings = ["block_output", "clean:block_output.0"]
        let result = try session.run(
            examples, collecting: session.sites(matching: spellings), unedited: true)
        #expect(result.unedited.map(\.name) == ["logits"] + result.collected.map(\.name))
        #expect(result.unedited.map(\.name).last == "clean:block_output.0")
        let bare = examples.map { Example(tokens: $0.tokens) }
        let expected = try plain.run(bare, collecting: plain.sites(matching: ["block_output"]))
        #expect(PeerFixtures.error(result.unedited[0].values, try #require(expected.logits).values) <= 1e-5)
        for (found, known) in zip(result.unedited.dropFirst(), expected.collected) {
            #expect(found.name == known.name)
            #expect(PeerFixtures.error(found.values, known.values) <= 1e-5)
        }
        #expect(result.logits?.values != result.unedited[0].values)
        // The edited results are those of a run without the others.
        let edited = try session.run(examples)
        #expect(PeerFixtures.error(try #require(result.logits).values, try #require(edited.logits).values) <= 1e-6)
        #expect(edited.unedited.isEmpty)
    }

    /// Layers below the first edit are computed once.
    @Test func whatNoEditReachesIsComputedOnce() throws {
        let program = Program { Scale(by: 2).on(.blockOutput, layer: 0).at(.last) }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        func steps(_ unedited: Bool) throws -> Int {
            try session.compiledGraph(
                GraphVariant(purpose: .inspect(collecting: []), demand: .everyRow, hasUnedited: unedited)
            ).plan.graph.nodes.count { if case .attention = $0.operation { true } else { false } }
        }
        #expect(try steps(false) == 2)
        #expect(try steps(true) == 3)
    }
}
