import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Runtime
@testable import Session

/// Programs with source runs in evaluation, training and generation.
@Suite struct SourceRunTests {
    private static let prompts: [[Int32]] = [[83, 10, 26, 5, 77], [19, 64, 44, 65, 91, 70, 57], [7, 7]]
    private static let sources: [[Int32]] = [[1, 2, 3, 4, 5], [9, 8, 7, 6, 5, 4, 3], [70, 71]]

    private static func clean(_ positions: Positions) -> SourceReference {
        SourceReference(run: "clean", positions: positions)
    }

    /// Edits of prompt rows, of generated rows and of both that read other rows of other runs, and of the base run.
    static let programs: [(String, Program)] = [
        (
            "prompt rows",
            Program {
                Run("clean")
                Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.first(2)) }
            }
        ),
        (
            "generated rows read a fixed row",
            Program {
                Run("clean") { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.all) }
                Run.base { AddSource(from: clean(.last)).on(.blockOutput, layer: 0).at(.generated) }
            }
        ),
        (
            "all rows read a fixed row of another layer",
            Program {
                Run("clean")
                Run.base {
                    AddSource(
                        from: SourceReference(
                            run: "clean", place: .layers(.mlpOutput, [1], heads: nil), positions: .at(-1))
                    ).on(.attentionOutput, layer: 1).at(.all).scaled(3)
                }
            }
        ),
        (
            "rows of a run that reads another",
            Program {
                Run("first")
                Run("clean") { SubtractSource(from: "first").on(.blockOutput, layer: 0).at(.last) }
                Run.base { AddSource(from: clean(.last)).on(.blockOutput, layer: 1).at(.last + .generated) }
            }
        ),
        (
            "rows of a run that reads the base run",
            Program {
                Run("clean") {
                    AddSource(from: SourceReference(run: "base", positions: .first))
                        .on(.blockOutput, layer: 0).at(.first)
                }
                Run.base { AddSource(from: clean(.last)).on(.blockOutput, layer: 1).at(.last + .generated) }
            }
        ),
        (
            "generated rows read the prompt",
            Program {
                AddSource(from: SourceReference(run: "base", positions: .first))
                    .on(.blockOutput, layer: 0).at(.generated).scaled(0.5)
            }
        ),
        (
            "heads",
            Program {
                Run("clean")
                Run.base {
                    Interchange(
                        from: SourceReference(
                            run: "clean", place: .layers(.attentionValueOutput, [0], heads: [1]), positions: .last)
                    ).on(.headOutput, layer: 1, head: 0).at(.all)
                }
            }
        ),
    ]

    private static func examples(_ program: Program, shared: Bool) throws -> [Example] {
        var examples = prompts.map { Example(tokens: $0) }
        for run in program.runs.map(\.name) where run != "base" {
            let sequences = sources.map { Example(tokens: run == "first" ? $0.reversed() : $0) }
            examples = try examples.reading(run, from: shared ? [sequences[1]] : sequences)
        }
        return examples
    }

    /// At each step the token is the likeliest one of the last row of the whole sequence, run without stored rows.
    @Test(arguments: programs.indices, [false, true])
    func generationIsRunningTheWholeSequence(index: Int, shared: Bool) throws {
        let program = Self.programs[index].1
        let session = try Session(PeerFixtures.model("llama"), program: program, seed: 3)
        var settings = GenerationSettings(maximumTokens: 6)
        settings.ignoresEnd = true
        let examples = try Self.examples(program, shared: shared)
        let answers = try session.generate(examples, settings: settings)
        #expect(answers.count == 3)
        for (example, answer) in zip(examples, answers) {
            #expect(answer.tokens.count == 6)
            var whole = example
            whole.tokens += answer.tokens
            whole.givenPromptLength = example.tokens.count
            let logits = try #require(try session.run([whole]).logits)
            for (step, token) in answer.tokens.enumerated() {
                let start = (example.tokens.count + step - 1) * logits.columns
                let row = logits.values[start..<start + logits.columns]
                let highest = try #require(row.max())
                #expect(
                    highest - row[start + Int(token)] <= 1e-4 * abs(highest), "\(Self.programs[index].0), step \(step)")
            }
        }
        // The edits matter: without them other tokens come out of at least one prompt.
        let plain = try Session(session.model).generate(Self.prompts.map { Example(tokens: $0) }, settings: settings)
        #expect(plain.map(\.tokens) != answers.map(\.tokens) || Self.programs[index].0 == "heads")
    }

    /// While a sequence grows, its k-th generated row reads the k-th generated row of the source.
    @Test func generatedRowsArePairedInOrder() throws {
        let program = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.generated) }
        }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        var settings = GenerationSettings(maximumTokens: 4)
        settings.ignoresEnd = true
        let source = Example(tokens: [5, 6, 7, 8, 9, 10], promptLength: 2)
        let answer = try session.generate([Example(tokens: [1, 2], sources: ["clean": source])], settings: settings)[0]
        let whole = Example(tokens: [1, 2] + answer.tokens, promptLength: 2, sources: ["clean": source])
        let logits = try #require(try session.run([whole]).logits)
        for (step, token) in answer.tokens.enumerated() {
            let start = (1 + step) * logits.columns
            let row = logits.values[start..<start + logits.columns]
            #expect(try #require(row.max()) - row[start + Int(token)] <= 1e-4)
        }
        settings.maximumTokens = 8
        let error = #expect(throws: InterventionError.self) {
            try session.generate([Example(tokens: [1, 2], sources: ["clean": source])], settings: settings)
        }
        #expect(
            error?.description
                == "clean at generated: sequence 0 gives 4 rows where 5 are edited; give as many, or 1 that is repeated"
        )
    }

    /// Rows that exist once per sequence are read sequence by sequence, through a map too.
    @Test func pooledRowsAreReadSequenceBySequence() throws {
        let program = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.poolerOutput).at(.all) }
        }
        let session = try Session(PeerFixtures.model("bert"), program: program)
        let base = [[5, 6, 7], [8, 9], [3]].map { Example(tokens: $0) }
        let sources = [[4, 3, 2, 9], [7]].map { Example(tokens: $0) }
        let patched = try session.run(base.reading("clean", from: sources, map: [1, 0, 1]))
        let clean = try Session(session.model).run([sources[1], sources[0], sources[1]])
        #expect(PeerFixtures.error(try #require(patched.logits).values, try #require(clean.logits).values) <= 1e-5)
    }

    /// Scores exist on the rows that are read only: labelled ones in training, all in evaluation, of a source all.
    @Test func scoresOfASourceMeanTheSameRowsInTraining() throws {
        let program = Program {
            Run("clean")
            Run.base {
                LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.all)
                AddSource(from: "clean").on(.logits).at(.all).scaled(0.5)
                AddSource(from: SourceReference(run: "clean", positions: .at(2, 0))).on(.logits).at(0, -1)
            }
        }
        let session = try Session(PeerFixtures.model("gpt2"), program: program)
        let examples = [
            Example(
                tokens: [1, 5, 9, 3], target: .tokens([-100, -100, -100, 3]), promptLength: 3,
                sources: ["clean": Example(tokens: [4, 6, 8, 2])]),
            Example(
                tokens: [2, 6, 8], target: .tokens([-100, -100, 8]), sources: ["clean": Example(tokens: [7, 3, 9])]),
        ]
        let loss = try session.accumulateGradients(examples, lossScale: 0.5)
        let result = try session.run(examples, gradients: true)
        #expect(abs(loss - (result.loss ?? .nan)) <= 1e-6 * loss)
        for gradient in result.gradients {
            let found = try session.parameters.gradient(of: gradient.name).floats()
            #expect(PeerFixtures.error(found, gradient.values) <= 1e-5, "\(gradient.name)")
        }
    }

    /// Each beam of a prompt reads the sources of its prompt.
    @Test func beamsReadTheSourcesOfTheirPrompt() throws {
        let program = Self.programs[1].1
        let session = try Session(PeerFixtures.model("llama"), program: program, seed: 3)
        var settings = GenerationSettings(maximumTokens: 5, beams: BeamSettings(3))
        settings.ignoresEnd = true
        let examples = try Self.examples(program, shared: false)
        let together = try session.generate(examples, settings: settings)
        for (example, answer) in zip(examples, together) {
            #expect(try session.generate([example], settings: settings)[0].tokens == answer.tokens)
        }
        let swapped = try Self.examples(program, shared: true)
        #expect(try session.generate(swapped, settings: settings).map(\.tokens) != together.map(\.tokens))
    }

    /// One sequence that all read is run once; a map picks among several.
    @Test func sharedAndMappedSourcesAreThoseOfEachExample() throws {
        let program = Self.programs[3].1
        let session = try Session(PeerFixtures.model("llama"), program: program)
        let base = Self.prompts.map { Example(tokens: $0) }
        let (one, other) = (Example(tokens: [3, 2, 1]), Example(tokens: [6, 5]))
        let mapped = try base.reading("first", from: [one]).reading("clean", from: [one, other], map: [1, 0, 1])
        let batches = session.sourceBatches(of: mapped)
        #expect(batches.runs["first"]?.batch.examples == [one])
        #expect(batches.runs["clean"]?.batch.examples == [other, one])
        #expect(batches.reads == ["first": [0, 0, 0], "clean": [0, 1, 0]])
        #expect(batches.runs["clean"]?.reads == ["first": [0, 0]])
        let together = try #require(try session.run(mapped).logits).values
        var alone: [Float] = []
        for example in mapped { alone += try #require(try session.run([example]).logits).values }
        #expect(PeerFixtures.error(together, alone) <= 1e-5)
        // Equal sequences that read different ones of a further run are not one.
        let differing = try base.reading("first", from: [one, other, one]).reading("clean", from: [one])
        #expect(session.sourceBatches(of: differing).runs["clean"]?.batch.examples == [one, one])
    }

    /// The gradients of training are those of evaluation where nothing is random, through the source too.
    @Test func gradientsFlowThroughSources() throws {
        let program = Program {
            Run("clean") { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.all).named("inner") }
            Run.base {
                Interchange(from: "clean").on(.blockOutput, layer: 0).at(.prompt)
                LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last).named("outer")
            }
        }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        let examples = [
            Example(
                tokens: [1, 5, 9, 3], target: .tokens([-100, -100, 9, 3]),
                sources: ["clean": Example(tokens: [4, 4])]),
            Example(
                tokens: [2, 6, 8], target: .tokens([-100, -100, 8]), sources: ["clean": Example(tokens: [4, 4])]),
        ]
        try session.checkTrainingData(examples, file: "d")
        let loss = try session.accumulateGradients(examples, lossScale: 1.0 / 3)
        let result = try session.run(examples, gradients: true)
        #expect(abs(loss - (result.loss ?? .nan)) <= 1e-6 * loss)
        for gradient in result.gradients {
            let found = try session.parameters.gradient(of: gradient.name).floats()
            #expect(found.contains { $0 != 0 }, "\(gradient.name)")
            #expect(PeerFixtures.error(found, gradient.values) <= 1e-5, "\(gradient.name)")
        }
    }

    /// Of a source only what is read is computed: no later layer, no logits; in a decode step nothing at all.
    @Test func sourcesAreComputedAsFarAsTheyAreRead() throws {
        let program = Program {
            Run("clean")
            Run.base {
                Interchange(from: SourceReference(run: "clean", positions: .last))
                    .on(.blockOutput, layer: 0).at(.last + .generated)
            }
        }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        let uses = { (variant: GraphVariant) throws -> [String: Int] in
            let plan = try session.compiledGraph(variant).plan
            var uses: [String: Int] = [:]
            for step in plan.steps {
                for input in step.inputs {
                    guard case .leaf(let leaf, _) = input.location,
                        case .weight(let name) = plan.graph.nodes[leaf].operation
                    else { continue }
                    uses[name, default: 0] += 1
                }
            }
            return uses
        }
        let inputs = { (variant: GraphVariant) throws -> [String] in
            try session.compiledGraph(variant).plan.inputNames.filter { $0.hasPrefix("clean.") }.sorted()
        }
        for variant in [
            GraphVariant(purpose: .inspect(collecting: []), demand: .everyRow), .generation(.prompt),
        ] {
            let found = try uses(variant)
            #expect(found["model.layers.0.mlp.up_proj.weight"] == 2)
            #expect(found["model.layers.1.mlp.up_proj.weight"] == 1)
            #expect(found["model.norm.weight"] == 1)
            #expect(try inputs(variant) == ["clean.offsets", "clean.positions", "clean.tokens"])
        }
        #expect(try uses(.generation(.decode))["model.layers.0.mlp.up_proj.weight"] == 1)
        #expect(try inputs(.generation(.decode)) == [])
        #expect(try session.compiledGraph(.generation(.decode)).plan.inputNames.contains("kept.0.0"))
    }

    @Test func whatIsMissingIsNamed() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Self.programs[3].1)
        let one = Example(tokens: [1], sources: ["first": Example(tokens: [96]), "claen": Example(tokens: [1])])
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(
            message { _ = try session.generate([one]) } == """
                input: sources: the program reads the run 'clean', which has no sequences
                input: sources: the program has no run 'claen'
                """)
        var two = one
        two.sources = ["first": Example(tokens: [96]), "clean": Example(tokens: [1])]
        #expect(
            message {
                _ = try session.run([two, Example(tokens: [1], sources: two.sources.filter { $0.key == "first" })])
            }
                == "input: sources: sequence 1 has no sequence of the run 'clean'")
        #expect(
            message { _ = try session.run([two]) }
                == "input: sources.first: sequence 0, position 0: token 96 is not within 0..<96")
        #expect(
            message { _ = try session.run([two, two, two], sources: ["clean": [one, one]]) }
                == "input: sources.clean: has 2 sequences where the base run has 3: "
                + "give as many, 1 that all read, or an example_map")
        #expect(
            message { _ = try [one, one].reading("clean", from: [one], map: [0, 1, -1]) } == """
                sources.clean: example_map has 3 entries where 2 are needed
                sources.clean: example_map[1] is 1, which is not within 0..<1
                sources.clean: example_map[2] is -1, which is not within 0..<1
                """)
    }

    /// What does not fit in a source run is told with the run's name. Equal sequences are computed once, and keep the number
    /// of the first example that reads them.
    @Test func countsInASourceRunNameIt() throws {
        func message(_ edit: Declaration, second: [Int32], model: String = "llama") throws -> String {
            let program = Program(runs: [
                ProgramRun(name: "first", declarations: []),
                ProgramRun(name: "second", declarations: [edit]),
                ProgramRun(
                    name: Program.baseName,
                    declarations: [Interchange(from: "second").on(.blockOutput, layer: 1).at(.last)]),
            ])
            let sources = { (tokens: [Int32]) in
                ["first": Example(tokens: [5, 6]), "second": Example(tokens: tokens)]
            }
            let examples = [
                Example(tokens: [1], sources: sources([8, 9])), Example(tokens: [2], sources: sources([8, 9])),
                Example(tokens: [3], sources: sources(second)),
            ]
            do {
                _ = try Session(PeerFixtures.model(model), program: program).run(examples)
                return ""
            } catch {
                return "\(error)"
            }
        }
        let pairs = Interchange(from: SourceReference(run: "first", positions: .last(2)))
            .on(.blockOutput, layer: 0).at(.first(3))
        #expect(
            try message(pairs, second: [8, 9, 10, 11]) == "first at l2: sequence 2 gives 2 rows where 3 are edited in "
                + "the run 'second'; give as many, or 1 that is repeated")
        let constant = AddSource(from: .constant([[Float](repeating: 1, count: 32), [Float](repeating: 2, count: 32)]))
            .on(.blockOutput, layer: 0).at(.all).named("shift")
        #expect(
            try message(constant, second: [8, 9, 10])
                == "'shift' reads a constant, which has 2 rows where 3 are edited "
                + "in sequence 2 of the run 'second'; give as many, or 1 that is repeated")
        let keys = Interchange(from: "first").on(.headPattern, layer: 1, head: 1).at(.last)
        #expect(
            try message(keys, second: [8, 9, 10], model: "gpt2")
                == "first at l1: the queries of sequence 2 have 2 keys, "
                + "where those that are edited in the run 'second' have 3; pairs can be exchanged between sequences of equal "
                + "length only")
    }
}
