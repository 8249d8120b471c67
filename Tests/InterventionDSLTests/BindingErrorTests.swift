import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// What is said about a program that does not fit its model: all problems at once, each with its line.
@Suite struct BindingErrorTests {
    /// The messages of the problems of a program on the toy model, without the place they begin with.
    static func messages(
        _ program: Program, runs: [String] = ["base"], overlaps: OverlapPolicy? = nil,
        tensors: (TensorReference) throws -> [Float] = { _ in throw TensorReference.Unavailable() }
    ) throws -> [String] {
        let graph = try ToyModel(runs: runs).graph
        do {
            _ = try program.bound(to: graph, overlaps: overlaps, tensors: tensors)
            return []
        } catch {
            return error.problems.map { "'\($0.declaration)': \($0.error)" }
        }
    }

    @Test func allProblemsAreReportedTogetherWithTheirLines() throws {
        let line: UInt = #line + 2
        let program = Program {
            LoReFT(rank: 9).on(.blockOutput, layer: 1).at(.last)
            Zero().on(Component(rawValue: "block_ouput"), layer: 1).at(.all)
            Zero().on(.blockOutput, layers: [1, 3]).at(.all)
        }
        let error = #expect(throws: ProgramErrors.self) { try program.bound(to: ToyModel().graph) }
        #expect(
            error?.description == """
                BindingErrorTests.swift:\(line): 'loreft': on block_output.1: rank 9 is larger than the width 8; \
                allowed: 1 to 8
                BindingErrorTests.swift:\(line + 1): 'zero': the model has no component 'block_ouput'; it has: embedding, \
                block_input, attention_value_output, attention_output, mlp_activation, mlp_output, block_output, \
                pooler_output, logits; did you mean 'block_output'?
                BindingErrorTests.swift:\(line + 2): 'zero-2': block_output has no layer 3; it has layers 0-2
                """)
    }

    @Test(arguments: [
        ("", "'': the name of a declaration is empty"),
        (
            "a\u{1B}[2J",
            "'a\u{1B}[2J': the name of a declaration is \"a\\u{1B}[2J\", which holds the control character U+001B"
        ),
        ("a\nb", "'a\nb': the name of a declaration is \"a\\nb\", which holds the control character U+000A"),
        (
            "a\u{202E}b",
            "'a\u{202E}b': the name of a declaration is \"a\\u{202E}b\", which holds the control character U+202E"
        ),
        ("👩‍🚀 größer/ja-1.2", ""),
    ])
    func namesCanBeShown(name: String, message: String) throws {
        let program = Program { Zero().on(.blockOutput, layer: 1).at(.all).named(name) }
        #expect(try Self.messages(program).joined() == message)
        guard !message.isEmpty, !name.isEmpty else { return }
        let error = #expect(throws: ProgramErrors.self) { try program.bound(to: ToyModel().graph) }
        #expect(error?.description.contains("'a\\") == true)
    }

    @Test func namesOfRunsAndFieldsCanBeShown() throws {
        let program = Program {
            Run("a\u{7}")
            Run.base {
                Interchange(from: "a\u{7}").on(.blockOutput, layer: 1).at(.all)
                Zero().on(.blockOutput, layer: 1).at(.field(""))
            }
        }
        #expect(
            try Self.messages(program, runs: ["a\u{7}", "base"])
                == [
                    "'zero': the name of a field of positions is empty",
                    "'': the name of a run is \"a\\u{07}\", which holds the control character U+0007",
                ])
    }

    @Test(arguments: [
        (Positions.tokens(matching: ""), "it can never fire: the text that its tokens are to match is empty"),
        (
            Positions.tokens(expression: "") + .at([]),
            "it can never fire: the regular expression that its tokens are to match is empty"
        ),
    ])
    func emptyPatternsMeanNothing(positions: Positions, message: String) throws {
        #expect(
            try Self.messages(Program { Zero().on(.blockOutput, layer: 1).at(positions) }) == ["'zero': \(message)"])
    }

    @Test(arguments: [-1, .infinity, .nan]) func aLevelOfNoiseIsNotNegative(level: Double) throws {
        #expect(
            try Self.messages(Program { Noise(level: level).on(.blockOutput, layer: 1).at(.all) })
                == [
                    "'noise': on block_output.1: its level is \(level); a standard deviation is a finite number, 0 or more"
                ])
    }

    @Test(
        arguments: [
            (
                Zero().on(.headOutput, layer: 0, head: 2).at(.all),
                "'zero': attention_value_output.0 has no head 2; it has heads 0-1"
            ),
            (
                Zero().on(HeadComponent(.mlpOutput), layer: 0, head: 0).at(.all),
                "'zero': mlp_output is not divided into heads; components with heads: attention_value_output"
            ),
            (
                Zero().on(.module("model.layers[1].mlpp.output")).at(.all),
                "'zero': the model has no module input or output 'model.layers[1].mlpp.output'; "
                    + "did you mean 'model.layers[1].mlp.output'?"
            ),
            (
                Zero().on(.module("mlp.output")).at(.all),
                "'zero': 'mlp.output' means 3 inputs or outputs of modules: model.layers[0].mlp.output, "
                    + "model.layers[1].mlp.output, model.layers[2].mlp.output; write more of the path"
            ),
            (
                Zero().on(.module("output")).at(.all),
                "'zero': 'output' means 15 inputs or outputs of modules: model.embed_tokens.output, "
                    + "model.layers[0].self_attn.output, model.layers[0].mlp.act_fn.output, "
                    + "model.layers[0].mlp.output, model.layers[0].output and 10 more; write more of the path"
            ),
            (
                Zero().on(.embedding, layer: 0).at(.all),
                "'zero': embedding exists once per model: it takes no layers, but 0 is given"
            ),
            (
                Zero().on(ModelSite.component(.blockOutput)).at(.all),
                "'zero': block_output exists once per layer: give its layer or layers"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.first(0)),
                "'zero': it can never fire: positions 'f0' name 0 rows"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.all - .all),
                "'zero': it can never fire: positions 'all-all' exclude all of their own rows"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.generated(every: 0)),
                "'zero': it can never fire: every 0-th generated row is none; the interval is at least 1"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.generated(at: 2, -1)),
                "'zero': it can never fire: steps are counted from 0, and -1 is given"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.generated(2..<2)),
                "'zero': it can never fire: its list of steps is empty"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.tokens(expression: "(a")),
                "'zero': the regular expression /(a/ can not be read: expected ')'"
            ),
            (
                Zero().on(.blockOutput, layers: []).at(.all),
                "'zero': it can never fire: its list of layers is empty"
            ),
            (
                Zero().on(.poolerOutput).at(.last),
                "'zero': pooler_output has one row per sequence: positions must be all, not l1"
            ),
            (
                Add([1, 2]).on(.blockOutput, layer: 0).at(.all),
                "'add': on block_output.0: its vector has 2 numbers, the site is 8 wide"
            ),
            (
                LoReFT(rank: 0, dropout: 1).on(.blockOutput, layer: 0).at(.all),
                "'loreft': on block_output.0: rank 0 is given; a rank is at least 1|"
                    + "'loreft': on block_output.0: dropout 1.0 is given; allowed: 0 up to but not including 1"
            ),
            (
                Skip().on(.mlpActivation, layer: 0).at(.all),
                "'skip': on mlp_activation.0: it has no module whose input could be read"
            ),
            (
                Interchange(from: "claen").on(.blockOutput, layer: 0).at(.all),
                "'interchange': no run is named 'claen'; the program has: base"
            ),
            (
                Interchange(from: SourceReference(run: "base", place: .layers(.blockOutput, .all, heads: nil)))
                    .on(.blockOutput, layer: 0).at(.all),
                "'interchange': the source block_output.all must name exactly one layer and at most one head"
            ),
            (
                Interchange(from: SourceReference(run: "base", place: .model(.poolerOutput)))
                    .on(.blockOutput, layer: 0).at(.all),
                "'interchange': pooler_output has one row for each of base.sequences, "
                    + "the edited site one for each of base.rows"
            ),
            (
                Interchange(from: SourceReference(run: "base", place: .layers(.mlpActivation, [0], heads: nil)))
                    .on(.blockOutput, layer: 1).at(.all),
                "'interchange': on block_output.1: the edit gives [base.rows, 12] for rows of [base.rows, 8]"
            ),
            (
                Interchange(from: SourceReference(run: "base", place: .layers(.blockOutput, [2], heads: nil)))
                    .on(.blockOutput, layer: 1).at(.all),
                "'interchange': it reads what its own edit changes: block_output.1 → block_output.2 → block_output.1"
            ),
            (
                Zero().on(.blockOutput, layer: 0).at(.all).scaled(.infinity),
                "'zero': it is scaled by inf; a scale is a finite number"
            ),
            (LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.last).named("a.b/c"), ""),
        ] as [(Declaration, String)])
    func singleMistakes(declaration: Declaration, message: String) throws {
        let messages = try Self.messages(Program { declaration })
        #expect(messages.joined(separator: "|") == message)
    }

    @Test func namesAreGivenOnce() throws {
        let line: UInt = #line + 2
        let program = Program {
            Zero().on(.blockOutput, layer: 0).at(.first).named("a")
            Zero().on(.blockOutput, layer: 1).at(.first).named("a")
        }
        #expect(
            try Self.messages(program) == [
                "'a': the name 'a' is taken by the declaration at BindingErrorTests.swift:\(line); "
                    + "give one of them another with .named(…)"
            ])
    }

    @Test func tiesNeedEqualShapes() throws {
        struct Twice: Intervention {
            func parameters(at site: SiteShape) -> ParameterList {
                [ParameterSpecification("v", 1, site.site.layer ?? 0, initialiser: .zeros)]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows * 2 }
        }
        let program = Program { Twice().on(.blockOutput, layers: [1, 2]).at(.all).tied(across: .layers) }
        #expect(
            try Self.messages(program)
                == ["'twice': 'v' can not be tied: it is [1, 1] at one place and [1, 2] at another"])
    }

    @Test(arguments: [(0, 3), (-1, -1), (Int.max, 2), (1 << 20, (1 << 20) + 1)])
    func shapesOfParametersAreChecked(rows: Int, columns: Int) throws {
        struct Shaped: Intervention {
            var rows: Int
            var columns: Int
            func parameters(at site: SiteShape) -> ParameterList {
                [ParameterSpecification("v", rows, columns, initialiser: .zeros)]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
                rows + (try context.parameter("v")).sum(.all)
            }
        }
        let program = Program { Shaped(rows: rows, columns: columns).on(.blockOutput, layer: 0).at(.all) }
        #expect(
            try Self.messages(program) == [
                "'shaped': on block_output.0: its parameter 'v' would be [\(rows), \(columns)]; allowed: extents of 1 "
                    + "and up, at most 1099511627776 numbers"
            ])
    }

    @Test func whatAnEditDoesWrongIsToldWithItsSite() throws {
        struct Careless: Intervention {
            var mistake: Int
            func parameters(at site: SiteShape) -> ParameterList {
                let one = ParameterSpecification("shift", 1, 3, initialiser: .zeros)
                return mistake == 1 ? [one, one] : [one]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
                let shift = try context.parameter("shift")
                switch mistake {
                case 0: return rows + (try context.parameter("shfit"))
                case 2: return rows
                case 3: return rows + (try context.source(1))
                case 4: return rows + (try context.weight("layer.0.out.weight"))
                case 5: return try context.rows(of: .logits)
                default: return rows + shift
                }
            }
        }
        let expected = [
            "'careless': it uses the parameter 'shfit' and declares: shift; did you mean 'shift'?",
            "'careless': it declares the parameter 'shift' twice",
            "'careless': it can never fire: on block_output.0 its edit gives back the rows it was given and collects "
                + "nothing",
            "'careless': it reads source 1 and declares 0",
            "'careless': the model has no weight 'layer.0.out.weight'; did you mean 'layers.0.out.weight'?",
            "'careless': logits has one row for each of base.demanded.rows, the edited site one for each of base.rows",
            "'careless': on block_output.0: add of [base.rows, 8] and [1, 3]: only an extent of 1 is repeated",
        ]
        for (mistake, message) in expected.enumerated() {
            let program = Program { Careless(mistake: mistake).on(.blockOutput, layer: 0).at(.all) }
            let messages = try Self.messages(program)
            #expect(messages.first == message, "\(messages)")
        }
    }

    @Test func overlapsAreNotedOrRefused() throws {
        let program = Program {
            Scale(by: 2).on(.blockOutput, layer: 0).at(.first(3)).named("a")
            Scale(by: 2).on(.blockInput, layer: 1).at(1).named("b")
            Scale(by: 2).on(.blockOutput, layer: 0).at(.generated).named("c")
            Scale(by: 2).on(.headOutput, layer: 0, head: 0).at(.all).named("d")
            Scale(by: 2).on(.headOutput, layer: 0, head: 1).at(.all).named("e")
        }
        let hookGraph = try program.bound(to: ToyModel().graph)
        let line = try #require(hookGraph.notes.first).location
        #expect(
            hookGraph.notes.map { "\($0.declaration): \($0.error)" } == [
                "b: it edits rows of block_input.1 that 'a' (\(program.declarations[0].location)) edits too"
            ])
        #expect(line == "\(program.declarations[1].location)")
        #expect(try Self.messages(program, overlaps: .error).count == 1)
    }

    /// One note for each declaration and site, on the nearest one before it, and the same at further sites once.
    @Test func manyOverlapsAreOneNote() throws {
        let program = Program {
            Scale(by: 2).on(.blockOutput, layers: [0, 1]).at(.last).named("a")
            Scale(by: 2).on(.blockOutput, layers: [0, 1]).at(.all).named("b")
            Scale(by: 2).on(.blockOutput, layers: .all).at(.last(2) + .first).named("c")
            Scale(by: 2).on(.blockOutput, layers: .all).at(.last).named("d")
            Scale(by: 2).on(.module("model.layers[2].output")).at(.generated).named("e")
        }
        let places = program.declarations.map { "\($0.location)" }
        let expected = [
            "'b': it edits rows of block_output.0 that 'a' (\(places[0])) edits too",
            "'c': it edits rows of block_output.0 that 'b' (\(places[1])) edits too, and 1 more before it",
            "'d': it edits rows of block_output.0 that 'c' (\(places[2])) edits too, and 2 more before it",
            "'d': it edits rows of block_output.2 that 'c' (\(places[2])) edits too",
        ]
        let graph = try ToyModel().graph
        #expect(try program.bound(to: graph).notes.map { "'\($0.declaration)': \($0.error)" } == expected)
        #expect(try Self.messages(program, overlaps: .error) == expected)
    }

    @Test func unusedSourcesAreNoted() throws {
        let sources = [SourceReference(run: "clean"), .constant([Float](repeating: 1, count: 8))]
        func notes(_ body: @escaping Edit.Body) throws -> [String] {
            let program = Program {
                Run("clean")
                Run.base { Edit("mix", from: sources, body).on(.blockOutput, layers: [0, 1]).at(.first + .last) }
            }
            let notes = try program.bound(to: ToyModel(runs: ["clean", "base"]).graph).notes
            return notes.map { "'\($0.declaration)': \($0.error)" }
        }
        let none = try notes { rows, _ in rows * 2 }
        #expect(
            none == [
                "'mix': on block_output.0: it declares source 0, of the run 'clean', and does not read it",
                "'mix': on block_output.0: it declares source 1, a constant, and does not read it",
                "'mix': on block_output.1: it declares source 0, of the run 'clean', and does not read it",
                "'mix': on block_output.1: it declares source 1, a constant, and does not read it",
            ])
        let first = try notes { rows, context in rows + (try context.source(0)) }
        #expect(
            first == [
                "'mix': on block_output.0: it declares source 1, a constant, and does not read it",
                "'mix': on block_output.1: it declares source 1, a constant, and does not read it",
            ])
        let both = try notes { rows, context in
            let copy = context
            return rows + (try copy.source(1)) + (try context.source(0))
        }
        #expect(both == [])
    }

    @Test func circlesAreReportedWithEverythingElse() throws {
        let line: UInt = #line + 2
        let sites = Program {
            Zero().on(.blockOutput, layer: 9).at(.all)
            AddSource(from: SourceReference(run: "base", place: .layers(.blockOutput, [2], heads: nil)))
                .on(.blockOutput, layer: 1).at(.all).named("circle")
            LoReFT(rank: 9).on(.blockOutput, layer: 0).at(.last)
        }
        let error = #expect(throws: ProgramErrors.self) { try sites.bound(to: ToyModel().graph) }
        #expect(
            error?.description == """
                BindingErrorTests.swift:\(line): 'zero': block_output has no layer 9; it has layers 0-2
                BindingErrorTests.swift:\(line + 2): 'circle': it reads what its own edit changes: \
                block_output.1 → block_output.2 → block_output.1
                BindingErrorTests.swift:\(line + 3): 'loreft': on block_output.0: rank 9 is larger than the width 8; \
                allowed: 1 to 8
                """)
        let runs = Program {
            Run("a") { Interchange(from: "b").on(.blockOutput, layer: 0).at(.all) }
            Run("b") {
                Interchange(from: "a").on(.blockOutput, layer: 0).at(.all)
                Zero().on(.blockOutput, layer: 3).at(.all)
            }
            Run.base { Interchange(from: "c").on(.blockOutput, layer: 0).at(.all).named("last") }
        }
        #expect(
            try Self.messages(runs, runs: ["a", "b", "base"]) == [
                "'interchange': edits read each other in a circle: "
                    + "a:block_output.0 → b:block_output.0 → a:block_output.0",
                "'zero': block_output has no layer 3; it has layers 0-2",
                "'last': no run is named 'c'; the program has: a, b, base; did you mean 'a'?",
            ])
    }

    @Test func unusedParametersAreNoted() throws {
        struct Idle: Intervention {
            func parameters(at site: SiteShape) -> ParameterList {
                [ParameterSpecification("idle", 1, 1, initialiser: .zeros)]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows * 2 }
        }
        let notes = try Program { Idle().on(.logits).at(.all) }.bound(to: ToyModel().graph).notes
        #expect(notes.map { "\($0.error)" } == ["on logits: it declares the parameter 'idle' and does not use it"])
    }

    @Test func runsAreCheckedAgainstTheGraph() throws {
        let missing = Program {
            Run("clean")
            Run.base { Interchange(from: "clean").on(.blockOutput, layer: 0).at(.all) }
        }
        #expect(
            try Self.messages(missing)
                == ["'interchange': on block_output.0: the run 'clean' is not part of the graph"])
        let unknown = Program { Run("clean") { Zero().on(.embedding).at(.all) } }
        #expect(try Self.messages(unknown) == ["'zero': no run is named 'clean'; the program has: base"])
        let circle = Program {
            Run("a") { Interchange(from: "b").on(.blockOutput, layer: 0).at(.all) }
            Run("b") { Interchange(from: "a").on(.blockOutput, layer: 0).at(.all) }
        }
        #expect(
            try Self.messages(circle, runs: ["a", "b", "base"])
                == [
                    "'interchange': edits read each other in a circle: "
                        + "a:block_output.0 → b:block_output.0 → a:block_output.0"
                ])
    }

    @Test func constantTensorsAreReadOnceAndChecked() throws {
        let reference = TensorReference(file: "v.safetensors", name: "v", shape: [8])
        let program = Program { Add(.reference(reference)).on(.blockOutput, layers: .all).at(.all) }
        #expect(
            try Self.messages(program)
                == ["'add': the tensor 'v' of v.safetensors can not be had: nothing was given to read it with"])
        #expect(
            try Self.messages(program, tensors: { _ in [1, 2] }) == [
                "'add': the tensor 'v' of v.safetensors can not be had: "
                    + "it holds 2 numbers where its shape [8] is declared"
            ])
        var reads = 0
        let graph = try ToyModel().graph
        let hookGraph = try program.bound(to: graph) { _ in
            reads += 1
            return Array(repeating: 1, count: 8)
        }
        #expect(reads == 1)
        #expect(try hookGraph.splice(into: graph, mode: .evaluate).graph.constants.count == 1)
    }
}
