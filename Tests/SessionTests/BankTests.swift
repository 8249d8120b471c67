import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// Many adapters in one batch give each sequence what its adapter alone gives it.
@Suite struct BankTests {
    /// A vector times a gate that parameters make: what meets the rows is computed per adapter first.
    struct Gated: Intervention {
        func parameters(at site: SiteShape) -> ParameterList {
            [
                ParameterSpecification("direction", 1, site.width, initialiser: .normal(1)),
                ParameterSpecification("strength", 1, 1, initialiser: .normal(1)),
                ParameterSpecification("mixing", 3, site.width, initialiser: .normal(1)),
            ]
        }

        func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
            let direction = try context.parameter("direction").applying(.tanh) * 0.5
            let strength = try context.parameter("strength").applying(.sigmoid)
            // A row of softmaxes, row by row of the parameter.
            let mixing = try context.parameter("mixing").softmax()
            let gate = rows.times(mixing, transposed: true).sum(.columns)
            return rows + gate * (direction * strength) + strength.broadcast(to: rows.shape)
        }
    }

    static let types: [any Intervention] = [
        LoReFT(rank: 2), LoReFT(rank: 3, activation: .tanh, dropout: 0.5), NoReFT(rank: 2), ConsReFT(rank: 2),
        LobiReFT(rank: 2), DiReFT(rank: 2), NodiReFT(rank: 2, activation: .gelu), Gated(), Scale(by: 0.5),
    ]
    private static let tokens: [[Int32]] = [[1, 5, 9, 3], [7, 2], [4, 4, 4, 8, 15], [16, 23], [42, 5, 9]]

    static func adapter(_ name: String, _ seed: UInt64, _ program: Program, on model: Model) throws -> Adapter {
        try Session(model, program: program, seed: seed).adapter(named: name)
    }

    /// The difference between a mixed batch and each sequence alone with its adapter, as a share of the largest logit.
    private func check(
        _ model: Model, _ adapters: [Adapter], _ choice: [Int?], further: Program = Program(), line: Int = #line
    ) throws {
        let bank = try Session(model, bank: adapters, capacity: adapters.count + 2, further: further)
        let sequences = zip(Self.tokens, choice).map { Example(tokens: $0, adapterIndex: $1) }
        let mixed = try #require(try bank.run(sequences).logits)
        var expected: [Float] = []
        var unedited: [Float] = []
        for (tokens, index) in zip(Self.tokens, choice) {
            let alone = try Session(model, adapters: index.map { [adapters[$0]] } ?? [], further: further)
            expected += try alone.run([Example(tokens: tokens)]).logits?.values ?? []
            unedited += try Session(model).run([Example(tokens: tokens)]).logits?.values ?? []
        }
        #expect(PeerFixtures.error(mixed.values, expected) < 1e-5, "line \(line)")
        #expect(PeerFixtures.error(expected, unedited) > 1e-4, "line \(line): the adapters do nothing")
    }

    @Test(arguments: types.indices) func aMixedBatchGivesWhatEachAdapterGivesAlone(index: Int) throws {
        let type = Self.types[index]
        func declaration(_ intervention: some Intervention, _ positions: Positions) -> Declaration {
            intervention.on(.blockOutput, layers: .all).at(positions)
        }
        for name in ["llama", "gpt2"] {
            let model = try PeerFixtures.model(name)
            for positions in [Positions.first(1) + .last(1), .all] {
                let program = Program(declarations: [declaration(type, positions)])
                let adapters = try (0..<3).map { try Self.adapter("a\($0)", UInt64($0), program, on: model) }
                try check(model, adapters, [1, 0, nil, 1, 2])
            }
        }
    }

    @Test func headsLogitsAndPoolersAreSitesLikeOthers() throws {
        let llama = try PeerFixtures.model("llama")
        let heads = Program {
            LoReFT(rank: 1).on(.headOutput, layer: 0, heads: [0, 1]).at(.last)
            LobiReFT(rank: 1).on(.logits).at(.all)
        }
        try check(
            llama, try (0..<2).map { try Self.adapter("\($0)", UInt64($0), heads, on: llama) }, [0, 1, nil, 1, 0])
        let bert = try PeerFixtures.model("bert")
        let pooler = Program {
            LoReFT(rank: 2).on(.poolerOutput).at(.all)
            LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first).tied(across: .layers)
        }
        try check(bert, try (0..<2).map { try Self.adapter("\($0)", UInt64($0), pooler, on: bert) }, [nil, 1, 1, 0, 0])
    }

    /// Rows that are pairs of a query and a key belong to the query's sequence.
    @Test func attentionScoresAreSitesOfBanksToo() throws {
        let model = try PeerFixtures.model("llama")
        let program = Program { LoReFT(rank: 1).on(.attentionScores, layer: 1).at(.last(2)) }
        try check(
            model, try (0..<2).map { try Self.adapter("\($0)", UInt64($0), program, on: model) }, [0, 1, nil, 1, 0])
    }

    /// Other ranks, other places, other scales: each structure has an edit of its own, without padding.
    @Test func adaptersOfDifferentStructureMix() throws {
        let model = try PeerFixtures.model("llama")
        func lo(_ rank: Int) -> Program { Program { LoReFT(rank: rank).on(.blockOutput, layers: .all).at(.last(2)) } }
        let adapters = [
            try Self.adapter("a", 1, lo(2), on: model), try Self.adapter("b", 2, lo(4), on: model),
            try Self.adapter("c", 3, lo(2), on: model),
            try Self.adapter(
                "d", 4, Average([(lo(1), 0.5), (lo(1).scaled(2), 0.5)]).program, on: model),
            try Self.adapter("e", 1, lo(2), on: model).scaled(-1),
        ]
        try check(model, adapters, [3, 1, 2, 4, 0])
        try check(
            model, adapters, [0, 0, 1, 1, nil], further: Program { Scale(by: 3).on(.blockOutput, layer: 0).at(.last) })
        let bank = try Session(model, bank: adapters)
        #expect(bank.hookGraph.hooks.count == 2 + 2 + 4 + 2)
        #expect(bank.hookGraph.notes.isEmpty)
    }

    @Test func generationMixesAdapters() throws {
        let model = try PeerFixtures.model("llama")
        let program = Program {
            LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(1) + .last(1))
            NodiReFT(rank: 2).on(.mlpOutput, layer: 0).at(.generated)
        }
        let adapters = try (0..<3).map { try Self.adapter("a\($0)", UInt64($0) + 5, program, on: model) }
        let bank = try Session(model, bank: adapters)
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        let choice = [2, 0, nil, 2, 1]
        let answers = try bank.generate(
            zip(Self.tokens, choice).map { Example(tokens: $0, adapterIndex: $1) }, settings: settings)
        for (place, answer) in answers.enumerated() {
            let alone = try Session(model, adapters: choice[place].map { [adapters[$0]] } ?? [])
            // Token by token the likeliest, up to rounding, of what the adapter gives for the whole sequence.
            let tokens = Self.tokens[place] + answer.tokens
            let logits = try #require(
                try alone.run([Example(tokens: tokens, promptLength: Self.tokens[place].count)]).logits)
            for (step, token) in answer.tokens.enumerated() {
                let first = (Self.tokens[place].count + step - 1) * logits.columns
                let row = logits.values[first..<first + logits.columns]
                let highest = try #require(row.max())
                #expect(highest - row[first + Int(token)] <= 1e-4 * abs(highest), "prompt \(place), step \(step)")
            }
        }
    }

    @Test func loadingCompilesNothing() throws {
        let model = try PeerFixtures.model("llama")
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.last) }
        let (a, b) = (
            try Self.adapter("a", 1, program, on: model),
            try Self.adapter("b", 2, Program { program.named("own") }, on: model)
        )
        let bank = try Session(model, bank: [a], capacity: 3)
        func logits(_ index: Int?) throws -> [Float]? {
            try bank.run([Example(tokens: [1, 5, 9], adapterIndex: index)]).logits?.values
        }
        let before = try logits(0)
        let variant = GraphVariant(purpose: .inspect(collecting: []), demand: .everyRow)
        let compiled = try bank.compiledGraph(variant)
        try bank.load(b, at: 2)
        #expect(bank.bankedAdapters == ["a", nil, "b"])
        let alone = try Session(model, adapters: [b]).run([Example(tokens: [1, 5, 9])]).logits?.values ?? []
        #expect(PeerFixtures.error(try logits(2) ?? [], alone) < 1e-6)
        #expect(try logits(0) == before)
        #expect(try bank.compiledGraph(variant) === compiled)
        // A place that is taken gets the new one; a place that is freed is refused.
        try bank.load(b, at: 0)
        #expect(try logits(0) == logits(2))
        bank.unload(at: 2)
        #expect { try logits(2) } throws: { "\($0)" == "input: sequence 0 names adapter 2; the bank holds 0" }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let model = try PeerFixtures.model("llama")
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.last) }
        let a = try Self.adapter("a", 1, program, on: model)
        let bank = try Session(model, bank: [a], capacity: 2)
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "none"
            } catch { return "\(error)" }
        }
        let other = try Self.adapter(
            "other", 1, Program { LoReFT(rank: 3).on(.blockOutput, layer: 0).at(.last) }, on: model)
        #expect(
            message { try bank.load(other, at: 1) }
                == "bank of adapters: 'other' is built differently from every adapter that the bank was made for: 'a'; "
                + "sites, positions, ranks and scales must be those of one of them")
        #expect(
            message { try bank.load(a, at: 2) }
                == "bank of adapters: place 2 does not exist; the bank has the places 0-1")
        var damaged = a
        damaged.parameters["loreft.0.bias"] = nil
        damaged.parameters["loreft.0.weight"]?.rows = 3
        damaged.parameters["loreft.0.what"] = a.parameters["loreft.0.weight"]
        #expect(
            message { try bank.load(damaged, at: 1) } == """
                'a' does not hold these parameters:
                  'loreft.0.what' is no parameter of the program
                  'loreft.0.weight' is [3, 32], not [2, 32]
                  'loreft.0.bias' is missing
                """)
        #expect(
            message {
                _ = try bank.accumulateGradients([Example(tokens: [1, 2], target: .tokens([1, 2]))], lossScale: 1)
            }
                == "bank of adapters: its adapters can not be trained in it: it evaluates and generates only")
        #expect(
            message { _ = try Session(model).run([Example(tokens: [1], adapterIndex: 0)]) }
                == "input: sequence 0 names adapter 0; the session has no bank of adapters")
        #expect(
            message { _ = try Session(model, bank: []) }
                == "bank of adapters: it needs at least one adapter to begin with")
        #expect(
            message { _ = try Session(model, bank: [a, a], capacity: 1) }
                == "bank of adapters: a capacity of 1 is given; allowed: 2 (as many as adapters) to 65536")
    }

    /// Products of parameters with each other, random numbers and sources have no form for several adapters.
    @Test func editsThatCanNotBeBankedAreRefused() throws {
        struct Turning: Intervention {
            func parameters(at site: SiteShape) -> ParameterList {
                [ParameterSpecification("matrix", site.width, 2, initialiser: .normal(1))]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
                let matrix = try context.parameter("matrix")
                return rows.times(matrix.times(matrix, transposed: true))
            }
        }
        struct Adding: Intervention {
            func parameters(at site: SiteShape) -> ParameterList {
                [ParameterSpecification("matrix", 2, site.width, initialiser: .normal(1))]
            }
            func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
                rows + (try context.parameter("matrix")).sum(.rows)
            }
        }
        let model = try PeerFixtures.model("llama")
        func message(_ declaration: Declaration) throws -> String {
            let adapter = try Self.adapter("a", 1, Program { declaration }, on: model)
            let error = #expect(throws: (any Error).self) { try Session(model, bank: [adapter]) }
            return error.map { "\($0)".components(separatedBy: ": ").dropFirst().joined(separator: ": ") } ?? "none"
        }
        let prefix = "on block_output.0 it can not be part of a bank: "
        let width = model.sizes.hidden
        #expect(
            try message(Turning().on(.blockOutput, layer: 0).at(.all))
                == "'turning': \(prefix)matmul of [\(width), 2] and "
                + "[\(width), 2], which depends on parameters, has no form for several adapters")
        #expect(
            try message(Adding().on(.blockOutput, layer: 0).at(.all))
                == "'adding': \(prefix)sum.rows of [2, \(width)], "
                + "which depends on parameters, has no form for several adapters")
        #expect(
            try message(Noise(level: 1).on(.blockOutput, layer: 0).at(.all))
                == "'noise': \(prefix)random numbers would "
                + "not be those that an adapter draws for its rows alone")
        let source = SourceReference(run: "base", positions: .first)
        #expect(
            try message(Interchange(from: source).on(.blockOutput, layer: 0).at(.last))
                == "'interchange': \(prefix)it reads a source")
    }

    @Test func inputFilesNameAdapters() throws {
        func read(_ text: String) throws -> [Int?] {
            try RunInput(json: Data(text.utf8), file: "in").examples.map(\.adapterIndex)
        }
        #expect(try read(#"{"sequences": [[1], [2], [3]], "adapter_index": [1, null, 0]}"#) == [1, nil, 0])
        #expect {
            try read(#"{"sequences": [[1], [2]], "adapter_index": [0.5, true]}"#)
        } throws: {
            "\($0)" == "in: adapter_index[0] is no place of a bank, nor null: 0.5\n"
                + "in: adapter_index[1] is no place of a bank, nor null: true"
        }
        #expect {
            try read(#"{"sequences": [[1], [2]], "adapter_index": [0]}"#)
        } throws: {
            "\($0)" == "in: adapter_index has 1 entries where 2 are needed"
        }
    }
}
