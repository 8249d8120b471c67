import Foundation
import Graph
import InterventionDSL
import Models
import Testing

@testable import Session

/// Edits of attention patterns and scores, alone, per head and in generation; and of both sides of a T5.
@Suite struct AttentionSiteTests {
    // MARK: Edits against torch

    private struct Cases: Decodable {
        var sequences: [[Int32]]
        var others: [[Int32]]
        var labels: [[Int32]]

        init(_ name: String) throws {
            let url = PeerFixtures.folder.appendingPathComponent("attention/\(name).json")
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
        }
    }

    static let edits: [(String, Program)] = [
        ("zeroed", Program { Zero().on(.headPattern, layer: 1, head: 1).at(.all) }),
        (
            "exchanged",
            Program {
                Run("other")
                Run.base { Interchange(from: "other").on(.headPattern, layer: 1, head: 1).at(.all) }
            }
        ),
        ("halved", Program { Scale(by: 0.5).on(.attentionPattern, layer: 1).at(.first(1) + .last(1)) }),
    ]

    @Test(arguments: ["llama-biased-wide-heads", "mistral", "gpt2", "bert", "roberta"], edits.indices)
    func editedPatterns(name: String, index: Int) throws {
        let (edit, program) = Self.edits[index]
        let cases = try Cases(name)
        let session = try Session(PeerFixtures.model(name), program: program)
        let sources = program.runs.count == 1 ? [:] : ["other": cases.others.map { Example(tokens: $0) }]
        let result = try session.run(cases.sequences.map { Example(tokens: $0) }, sources: sources)
        let expected = try PeerFixtures.tensors("attention/\(name).safetensors").tensor(edit).floats()
        #expect(PeerFixtures.error(try #require(result.logits).values, expected) <= 1e-5, "\(name) \(edit)")
    }

    /// pattern · factor, a factor for each head.
    private struct PatternFactor: Intervention {
        func parameters(at site: SiteShape) -> ParameterList {
            [ParameterSpecification("factor", 1, site.width, initialiser: .constant(0.75))]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            rows * (try context.parameter("factor"))
        }
    }

    @Test(arguments: ["llama-biased-wide-heads", "mistral", "gpt2"]) func gradientsThroughAnEdit(name: String) throws {
        let cases = try Cases(name)
        let program = Program { PatternFactor().on(.attentionPattern, layer: 1).at(.all).named("gate") }
        let session = try Session(PeerFixtures.model(name), program: program)
        let examples = zip(cases.sequences, cases.labels).map { Example(tokens: $0, target: .tokens($1)) }
        let result = try session.run(examples, gradients: true)
        let expected = try PeerFixtures.tensors("attention/\(name).safetensors")
        let loss = try expected.tensor("factor.loss").floats()
        #expect(PeerFixtures.error([Float(try #require(result.loss))], loss) <= 1e-5)
        #expect(result.gradients.map(\.name) == ["gate.1.factor"])
        let slope = try expected.tensor("factor.gradient").floats()
        #expect(PeerFixtures.error(result.gradients[0].values, slope) <= 1e-4)
    }

    // MARK: Generation

    static let programs: [(String, Program)] = [
        ("head", Program { Scale(by: 0.3).on(.headPattern, layers: .all, heads: [1, 2]).at(.all) }),
        ("scores", Program { Scale(by: 2).on(.attentionScores, layer: 0).at(.all) }),
        ("prompt", Program { Zero().on(.headPattern, layer: 1, head: 0).at(.prompt) }),
        ("generated", Program { Zero().on(.headPattern, layer: 1, head: 0).at(.generated) }),
        ("no scores", Program { Zero().on(.attentionScores, layer: 1).at(.all) }),
    ]

    /// With stored keys and values each step gives what the whole sequence gives without.
    @Test(arguments: programs.indices, ["llama-biased-wide-heads", "mistral", "gpt2"])
    func decodingEqualsTheWholeSequence(index: Int, name: String) throws {
        let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7]]
        let session = try Session(PeerFixtures.model(name), program: Self.programs[index].1)
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        let answers = try session.generate(prompts.map { Example(tokens: $0) }, settings: settings)
        for (prompt, answer) in zip(prompts, answers) {
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

    // MARK: Rows

    @Test func positionsChooseQueries() throws {
        let program = Program {
            Collect("last").on(.attentionPattern, layer: 0).at(.last)
            Collect("head").on(.headPattern, layer: 0, head: 2).at(1)
            Collect("scores").on(.attentionScores, layer: 1).at(.all)
        }
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        let result = try session.run([Example(tokens: [5, 9, 4]), Example(tokens: [8, 3])])
        let found = Dictionary(uniqueKeysWithValues: result.collected.map { ($0.name, $0) })
        // The last query of each sequence with its 3 and 2 keys; all 9 + 4 pairs.
        #expect(found["last"]?.rows == 5 && found["last"]?.columns == 4)
        #expect(found["head"]?.rows == 5 && found["head"]?.columns == 1)
        #expect(found["scores"]?.rows == 13)
        let shares = try #require(found["last"]).values
        for head in 0..<4 {
            let sums = [(0..<3), (3..<5)].map { $0.reduce(Float(0)) { $0 + shares[$1 * 4 + head] } }
            #expect(sums.allSatisfy { abs($0 - 1) < 1e-6 })
        }
        // The second query of the first sequence does not see the third key.
        #expect(try #require(found["head"]).values[2] == 0)
    }

    @Test func pairsOfOtherLengthsAreRefused() throws {
        let program = Program {
            Run("other")
            Run.base { Interchange(from: "other").on(.headPattern, layer: 1, head: 1).at(.last) }
        }
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        #expect {
            try session.run([Example(tokens: [5, 9, 4])], sources: ["other": [Example(tokens: [5, 9])]])
        } throws: {
            "\($0)" == "other at l1: the queries of sequence 0 have 2 keys, where those that are edited have 3; "
                + "pairs can be exchanged between sequences of equal length only"
        }
        let mixed = Program {
            Interchange(from: SourceReference(run: "base", place: .layers(.blockInput, Layers([0]), heads: nil)))
                .on(.attentionPattern, layer: 1).at(.all).named("mixed")
        }
        #expect {
            _ = try Session(PeerFixtures.model("gpt2"), program: mixed)
        } throws: {
            "\($0)".hasSuffix(
                "'mixed': block_input.0 has one row for each of base.rows, the edited site one for each of base.pairs")
        }
    }

    @Test func pyvenesNameOfThePattern() throws {
        let text = """
            {"format": "swift-reft/program", "version": 1, "declarations": [
              {"intervention": {"type": "Zero"}, "site": {"component": "attention_weight", "layers": [1], "heads": [1]},
               "positions": "all"}]}
            """
        let program = try Program(json: Data(text.utf8), registry: .general)
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        #expect(session.hookGraph.hooks.map { "\($0.shape)" } == ["attention_pattern.1 head 1"])
    }

    // MARK: T5

    /// Adds a trained row.
    private struct Shift: Intervention {
        func parameters(at site: SiteShape) -> ParameterList {
            [ParameterSpecification("row", 1, site.width, initialiser: .zeros)]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            rows + (try context.parameter("row"))
        }
    }

    private static let crossOutput = Component(rawValue: "cross_attention_output")
    private static let crossPattern = Component(rawValue: "cross_attention_pattern")

    private func t5(_ name: String) throws -> (model: Model, examples: [Example], encoder: [Example]) {
        struct Cases: Decodable { var sequences, encoder, labels: [[Int32]] }
        let url = PeerFixtures.folder.appendingPathComponent("relative/\(name)/cases.json")
        let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: url))
        return (
            try PeerFixtures.model("../relative/\(name)"),
            zip(cases.sequences, cases.labels).map { Example(tokens: $0, target: .tokens($1)) },
            cases.encoder.map { Example(tokens: $0) }
        )
    }

    @Test(arguments: ["t5", "t5-gated"]) func editsAndGradientsOnBothSidesOfAT5(name: String) throws {
        let (model, examples, encoder) = try t5(name)
        let expected = try PeerFixtures.tensors("relative/\(name)/expected.safetensors")
        let width = model.sizes.hidden
        let shift = (0..<width).map { -1 + 2 * Float($0) / Float(width - 1) }
        let program = Program {
            Run("encoder") { Add(shift).on(.blockOutput, layer: 0).at(.all) }
            Run.base { Add(shift, scale: -0.5).on(Self.crossOutput, layer: 1).at(.all) }
        }
        let shifted = try Session(model, program: program).run(examples, sources: ["encoder": encoder])
        #expect(
            PeerFixtures.error(
                try #require(shifted.logits).values, try expected.tensor("shifted.logits").floats()) <= 1e-5)

        let trained = Program {
            Run("encoder") { Shift().on(.blockOutput, layer: 0).at(.all).named("encoder") }
            Run.base { Shift().on(Self.crossOutput, layer: 1).at(.all).named("cross") }
        }
        let result = try Session(model, program: trained).run(
            examples, sources: ["encoder": encoder], gradients: true)
        let loss = try expected.tensor("loss").floats()
        #expect(PeerFixtures.error([Float(try #require(result.loss))], loss) <= 1e-5)
        for gradient in result.gradients {
            let name = gradient.name.split(separator: ".")[0]
            let slope = try expected.tensor("gradient.\(name)").floats()
            #expect(PeerFixtures.error(gradient.values, slope) <= 1e-4, "\(gradient.name)")
        }
        #expect(result.gradients.count == 2)
    }

    @Test func crossAttentionPatterns() throws {
        let (model, examples, encoder) = try t5("t5")
        let expected = try PeerFixtures.tensors("relative/t5/expected.safetensors")
        let program = Program { Collect("last").on(Self.crossPattern, layer: 2).at(.sequence.last(1)) }
        let result = try Session(model, program: program).run(
            examples, sources: ["encoder": encoder], collecting: [SiteID(Self.crossPattern, layer: 2)])
        let whole = result.collected[1]
        let reference = try expected.tensor("cross_attention_pattern.2").floats()
        #expect(PeerFixtures.error(whole.values, reference) <= 1e-5)
        // Of each sequence the last decoder row's pairs with all rows of its encoder sequence.
        var rows: [Float] = []
        var first = 0
        for (example, source) in zip(examples, encoder) {
            first += (example.tokens.count - 1) * source.tokens.count
            rows += whole.values[first * 4..<(first + source.tokens.count) * 4]
            first += source.tokens.count
        }
        #expect(result.collected[0].values == rows)
    }

    @Test func aT5NeedsItsEncodersSequences() throws {
        let (model, examples, encoder) = try t5("t5")
        let session = try Session(model)
        #expect(
            try session.sites(matching: "encoder:block_output.1").map { "\($0.site.id)" } == ["encoder:block_output.1"])
        #expect { try session.run(examples) } throws: {
            "\($0)"
                == "input: sources: the model attends to its encoder, the run 'encoder', which has no sequences"
        }
        #expect { try session.run(examples, sources: ["encoder": Array(encoder.prefix(2))]) } throws: {
            "\($0)"
                == "input: sources.encoder: has 2 sequences where the base run has 3: give as many, 1 that all read, "
                + "or an example_map"
        }
    }

    @Test(arguments: ["t5", "t5-gated"]) func greedyTextOfAT5Agrees(name: String) throws {
        let (model, _, encoder) = try t5(name)
        let expected = try PeerFixtures.json("relative/\(name)/expected.json")["generated"] as? [[Int]]
        var settings = GenerationSettings(maximumTokens: 10)
        settings.ignoresEnd = true
        let answers = try Session(model).generate(encoder, settings: settings)
        #expect(answers.map { $0.tokens.map(Int.init) } == expected)
        #expect(model.decoderStartToken == 0)
    }

    /// Edits of the encoder, of cross attention and of generated rows, and sequences that end at different steps.
    @Test(arguments: ["t5", "t5-gated"]) func editedT5sDecodeAsTheWholeSequence(name: String) throws {
        let (model, _, encoder) = try t5(name)
        let program = Program {
            Run("encoder") {
                Scale(by: 1.5).on(.blockOutput, layer: 0).at(.first(1))
                Scale(by: 0.5).on(.crossValueOutput, layer: 1).at(.last(2))
            }
            Run.base {
                Scale(by: 0.5).on(.crossAttentionPattern, layer: 0).at(.generated)
                Scale(by: 2).on(.attentionScores, layer: 1).at(.all)
            }
        }
        let session = try Session(model, program: program)
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        settings.stop = []
        let answers = try session.generate(encoder, settings: settings)
        for (source, answer) in zip(encoder, answers) {
            let whole = Example(tokens: [0] + answer.tokens, promptLength: 1, sources: ["encoder": source])
            let logits = try #require(try session.run([whole]).logits)
            for (step, token) in answer.tokens.enumerated() {
                let row = logits.values.dropFirst(step * logits.columns).prefix(logits.columns)
                let highest = try #require(row.max())
                #expect(highest - row[row.startIndex + Int(token)] <= 1e-4 * abs(highest), "step \(step)")
            }
        }
        // One alone says the same as in a batch in which others have ended.
        var ending = GenerationSettings(maximumTokens: 8)
        ending.ignoresEnd = false
        let together = try session.generate(encoder, settings: ending)
        for (place, source) in encoder.enumerated() {
            #expect(try session.generate([source], settings: ending)[0].tokens == together[place].tokens)
        }
    }

    @Test func otherRunsAreRefusedInGenerationWithAnEncoder() throws {
        let (model, _, encoder) = try t5("t5")
        let program = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 1).at(.all) }
        }
        let session = try Session(model, program: program)
        #expect { try session.generate(encoder) } throws: {
            "\($0)"
                == "program: it has the run 'clean'; in generation with an encoder the only run besides the base run is "
                + "'encoder'"
        }
    }

    /// Sources of a T5 have encoders of their own.
    @Test func sourceRunsOfAT5() throws {
        let (model, examples, encoder) = try t5("t5")
        let program = Program {
            Run("clean")
            Run("clean.encoder")
            Run("encoder") {
                Interchange(from: "clean.encoder").on(.blockOutput, layer: 1).at(.all)
            }
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 2).at(.sequence.last(1)) }
        }
        let others = encoder.map { Example(tokens: $0.tokens.map { ($0 + 7) % 90 + 3 }) }
        let clean = examples.map { Example(tokens: $0.tokens.map { ($0 * 5) % 90 + 3 }) }
        let result = try Session(model, program: program).run(
            examples, sources: ["encoder": encoder, "clean": clean, "clean.encoder": others])
        let patched = try #require(result.logits)
        // With the encoder's states of the clean run, and the last row of its last block: its logits.
        let reference = try #require(try Session(model).run(clean, sources: ["encoder": others]).logits)
        var last = 0
        for example in examples {
            last += example.tokens.count
            let range = (last - 1) * patched.columns..<last * patched.columns
            #expect(
                PeerFixtures.error(Array(patched.values[range]), Array(reference.values[range])) <= 1e-5)
        }
    }

    @Test func subspacesOfPairsFollowTheirSequences() throws {
        let program = Program {
            Zero().on(.attentionPattern, layer: 1).at(.last).subspaces(["left": [0, 1], "right": [2, 3]]).named("off")
            Collect().on(.attentionPattern, layer: 1).at(.last)
        }
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        let result = try session.run([
            Example(tokens: [5, 9, 4], subspaces: ["off": .parts(["left"])]),
            Example(tokens: [8, 3], subspaces: ["off": .parts(["right"])]),
        ])
        let pattern = try #require(result.collected.first)
        #expect(pattern.rows == 5)
        for row in 0..<5 {
            let shares = pattern.values[row * 4..<row * 4 + 4].map { $0 == 0 }
            #expect(shares == (row < 3 ? [true, true, false, false] : [false, false, true, true]))
        }
    }

    @Test func theTableOfBiasesHasAGradient() throws {
        let model = try PeerFixtures.model("../relative/mpnet-classifier")
        let cases = try PeerFixtures.json("relative/mpnet-classifier/cases.json")
        let input = try PeerFixtures.input(cases, name: "mpnet")
        let expected = try PeerFixtures.tensors("relative/mpnet-classifier/expected.safetensors")
        let program = Program { Train(weights: "relative_attention_bias.weight") }
        let result = try Session(model, program: program).run(input.examples, gradients: true)
        #expect(
            PeerFixtures.error([Float(try #require(result.loss))], try expected.tensor("loss").floats()) <= 1e-5)
        #expect(result.gradients.map(\.name) == ["weight:mpnet.encoder.relative_attention_bias.weight"])
        let slope = try expected.tensor("gradient.table").floats()
        #expect(PeerFixtures.error(result.gradients[0].values, slope) <= 1e-4)
    }
}
