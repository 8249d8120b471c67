import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Weights of the model that a program trains.
@Suite struct TrainableWeightsTests {
    static let program = Program {
        Train(weights: "layers[0-1].down.weight", "lm_head.weight")
        LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.last)
    }

    @Test func theGraphShowsWhatPatternsMatch() throws {
        let bound = try Program {
            Train(weights: "layers[0-1].down.weight", "*.weight")
            Zero().on(.mlpOutput, layer: 0).at(.all)
        }.bound(to: ToyModel().graph)
        // 14 tensors: embedding, four in each of three blocks, output.
        #expect(bound.parameters.count == 14)
        #expect(bound.parameterCount == 2 * 80 + 3 * (64 + 64 + 96 + 96))
        let text = bound.description
        #expect(text.hasPrefix("1 edit in order, 14 parameter tensors, 1120 trained numbers\n"))
        #expect(
            text.contains(
                """
                trained weights:
                  layers[0-1].down.weight: 2 tensors, 192 numbers   ; TrainableWeightsTests.swift:16
                     parameter weight:layers.0.down.weight [12, 8]
                     parameter weight:layers.1.down.weight [12, 8]
                  *.weight: 14 tensors, 1120 numbers   ; TrainableWeightsTests.swift:16
                     parameter weight:embed.weight [10, 8]

                """))
        #expect(try bound.json().contains("\"pattern\": \"layers[0-1].down.weight\""))
    }

    @Test func aTrainedWeightIsAParameterWhereverItIsRead() throws {
        let graph = try ToyModel().graph
        let spliced = try Self.program.bound(to: graph).splice(into: graph, mode: .train)
        var (weights, parameters): (Set<String>, Set<String>) = ([], [])
        for node in spliced.graph.nodes {
            if case .weight(let name) = node.operation { weights.insert(name) }
            if case .parameter(let name) = node.operation { parameters.insert(name) }
        }
        #expect(weights.isDisjoint(with: ["layers.0.down.weight", "layers.1.down.weight", "lm_head.weight"]))
        #expect(weights.contains("layers.2.down.weight"))
        let trained: Set = ["weight:layers.0.down.weight", "weight:layers.1.down.weight", "weight:lm_head.weight"]
        #expect(trained.isSubset(of: parameters))
        #expect(spliced.parameters["weight:lm_head.weight"]?.initialiser == .weight("lm_head.weight"))
        #expect(spliced.graph.verify() == [])
    }

    @Test func theSplicedModelComputesTheSame() throws {
        let graph = try ToyModel().graph
        let logits = try #require(try ToyModel().logits["base"])
        let program = Program { Train(weights: "*") }
        let spliced = try program.bound(to: graph).splice(into: graph, mode: .evaluate)
        let frozen = ToyBindings().bindings(graph)
        var trained = ToyBindings().bindings(spliced.graph)
        for (name, values) in frozen.weights { trained.parameters["weight:\(name)"] = values }
        #expect(
            try Interpreter(graph).evaluate([logits], bindings: frozen)[0].values
                == Interpreter(spliced.graph).evaluate([spliced.edited(logits)], bindings: trained)[0].values)
    }

    @Test func problemsNameThePatternsLine() throws {
        let line: UInt = #line + 2
        let program = Program {
            Train(weights: "layers[*].dwon.weight", "layers[0-7].up.weight")
            Train(weights: "layers[")
            LoReFT(rank: 9).on(.blockOutput, layer: 1).at(.last)
        }
        let error = #expect(throws: ProgramErrors.self) { try program.bound(to: ToyModel().graph) }
        #expect(
            error?.description == """
                TrainableWeightsTests.swift:\(line + 2): 'loreft': on block_output.1: rank 9 is larger than the width 8; \
                allowed: 1 to 8
                TrainableWeightsTests.swift:\(line): 'layers[*].dwon.weight' matches no weight of the model; \
                did you mean 'layers.*.down.weight'?
                TrainableWeightsTests.swift:\(line): 'layers[0-7].up.weight' names 3-7, which the model does not have \
                there; it has 0-2
                TrainableWeightsTests.swift:\(line + 1): weight pattern 'layers[': '[' can not be read; allowed: names and \
                numbers between dots or brackets, with * and spans: block_output.4-7, layers[4-8].attention_output, mlp_*, \
                layers[*].self_attn.*, layers[5].head_output.h0,3
                """)
    }

    @Test func filesHoldPatterns() throws {
        let text = try Self.program.json()
        let read = try Program(json: Data(text.utf8), registry: .general + .reft)
        #expect(read == Self.program)
        #expect(read.trainable.map(\.pattern) == ["layers[0-1].down.weight", "lm_head.weight"])
        #expect(read.trainable.map { "\($0.location)" } == ["trainable[0]", "trainable[1]"])
        #expect(try read.json() == text)
        #expect(read != read.mapDeclarations { $0.scaled(2) })
        #expect(read.scaled(2).trainable == read.trainable)
        let alone = #"{"format": "swift-reft/program", "version": 1, "trainable": ["lm_head.weight"]}"#
        #expect(try Program(json: Data(alone.utf8)) == Program { Train(weights: "lm_head.weight") })
        #expect {
            try Program(json: Data(alone.replacing("lm_head", with: "lm_head.").utf8))
        } throws: {
            "\($0)".hasPrefix("trainable[0]: weight pattern 'lm_head..weight' can not be read; allowed: ")
        }
        #expect {
            try Program(json: Data(alone.replacing("[\"lm_head.weight\"]", with: "\"lm_head.weight\"").utf8))
        } throws: {
            "\($0)" == "trainable: the string \"lm_head.weight\" is given where a list is needed"
        }
    }

    @Test func compositionUnitesPatterns() {
        let other = Program {
            Train(weights: "lm_head.weight", "embed.weight")
            Zero().on(.mlpOutput, layer: 0).at(.all)
        }
        let both = Program {
            Self.program
            Run.base { other }
        }
        #expect(both.trainable.map(\.pattern) == ["layers[0-1].down.weight", "lm_head.weight", "embed.weight"])
        #expect(both.declarations.count == 2)
        #expect(!Program { Train(weights: "lm_head.weight") }.isEmpty)
    }
}
