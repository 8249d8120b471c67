import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

@Suite struct CompositionTests {
    private let input = [Example(tokens: [1, 5, 9, 3]), Example(tokens: [7, 2])]

    static func adapter(
        _ name: String, seed: UInt64, on model: String = "llama", _ program: Program = ends
    ) throws -> Adapter {
        try Session(PeerFixtures.model(model), program: program, seed: seed).adapter(named: name)
    }

    static let ends = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(1) + .last(1)) }
    /// On the last layer alone the edits are the whole difference.
    static let last = Program { LoReFT(rank: 2).on(.blockOutput, layer: 1).at(.all) }

    private func states(_ composition: Composition) throws -> [Float] {
        let session = try Session(PeerFixtures.model("llama"), composing: composition)
        return try session.run(input, collecting: [SiteID(.blockOutput, layer: 1)]).collected[0].values
    }

    @Test func valuesComeAlong() throws {
        let (a, b) = (try Self.adapter("a", seed: 1), try Self.adapter("b", seed: 2))
        let model = try PeerFixtures.model("llama")
        let separate = try Session(model, adapters: [a, b], further: Program { Scale(by: 2).on(.logits).at(.all) })
        let composed = try Session(
            model,
            composing: Composition {
                a
                b
                Scale(by: 2).on(.logits).at(.all)
            })
        #expect(composed.program == separate.program)
        #expect(try composed.run(input).logits?.values == separate.run(input).logits?.values)
        #expect(composed.program.declarations.compactMap(\.name) == ["a/loreft", "b/loreft", "scale"])
    }

    @Test func averagesAddScaledEditsOfTheSameRows() throws {
        let (a, b) = (try Self.adapter("a", seed: 1, Self.last), try Self.adapter("b", seed: 2, Self.last))
        let h = try states(Composition { Program {} })
        let (first, second) = (try states(Composition { a }), try states(Composition { b }))
        let average = try states(Composition { Average([(a, 0.7), (b, 0.3)]) })
        let expected = h.indices.map { h[$0] + 0.7 * (first[$0] - h[$0]) + 0.3 * (second[$0] - h[$0]) }
        #expect(PeerFixtures.error(average, expected) < 1e-6)
        let scaled = try states(Composition { a.scaled(0.5) })
        #expect(PeerFixtures.error(scaled, h.indices.map { h[$0] + 0.5 * (first[$0] - h[$0]) }) < 1e-6)
        // In order, the second one sees what the first one gave.
        let chained = try states(
            Composition {
                a.scaled(0.7)
                b.scaled(0.3)
            })
        #expect(PeerFixtures.error(chained, expected) > 1e-4)
    }

    @Test func compositionsNest() throws {
        let (a, b) = (try Self.adapter("a", seed: 1), try Self.adapter("b", seed: 2))
        let inner = Composition {
            a
            b
        }
        let outer = Composition {
            inner.scaled(0.5)
            for adapter in [a, b] { Average([(adapter, 0.25)]) }
            if input.isEmpty { a }
        }
        let names = ["composition/a", "composition/b", "composition-2/a", "composition-2/b"].map { "\($0)/loreft" }
        #expect(outer.program.declarations.compactMap(\.name) == names)
        #expect(outer.program.declarations.map(\.scale) == [0.5, 0.5, 1, 1])
        #expect(outer.adapters.count == 4)
        #expect(try states(outer).allSatisfy(\.isFinite))
        #expect(outer.overlaps(.priority).program.overlaps == .priority)
    }

    @Test func aCompositionBecomesOneAdapter() throws {
        let (a, b) = (try Self.adapter("a", seed: 1), try Self.adapter("b", seed: 2))
        let composition = Composition { Average([(a, 0.7), (b, 0.3)]) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try composition.adapter(named: "both").write(to: folder.path)
        let read = try Adapter(at: folder.path)
        #expect(read.program == composition.program)
        #expect(try states(Composition { read }) == states(composition))
        #expect {
            try Composition { Zero().on(.blockOutput, layer: 0).at(.all) }.adapter(named: "x")
        } throws: {
            "\($0)" == "x: nothing in it is trained: at least one adapter is needed"
        }
        let other = try Self.adapter("other", seed: 1, on: "gpt2")
        #expect {
            try Composition([a, other]).adapter(named: "x")
        } throws: {
            "\($0)" == "x: 'a' and 'other' were trained on different models, llama and gpt2"
        }
    }

    /// What depends on the batch is found in training data before the first step, too.
    @Test func contestedRowsAreFoundInTrainingData() throws {
        let program = Program {
            LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.at(0, 1)).named("front")
            LoReFT(rank: 1).on(.blockOutput, layer: 0).at(.last).named("back")
        }.overlaps(.error)
        let session = try Session(PeerFixtures.model("llama"), program: program)
        let sequences: [[Int32]] = [[1, 5, 9, 3], [1, 5, 3]]
        let examples = sequences.map { tokens in
            Example(tokens: tokens, target: .tokens([-100, -100] + Array(tokens.dropFirst(2))))
        }
        let lines = program.declarations.map { "\($0.location)" }
        let names = "'back' (\(lines[1])) and 'front' (\(lines[0]))"
        let message = "\(names) both edit row 1 of block_output.0, and overlaps are errors in this program"
        #expect { try session.checkTrainingData(examples, file: "train") } throws: {
            "\($0)" == "train: sequence 0: \(message)\ntrain: sequence 1: \(message)"
        }
        #expect { try session.run(examples) } throws: { "\($0)" == "sequence 0: \(message)" }
    }

    /// Sequences of a source run need neither the fields nor the length that the base run's positions ask for.
    @Test func rowsAreContestedWithinOneRun() throws {
        let program = Program {
            Run("clean") {
                Scale(by: 2).on(.blockOutput, layer: 0).at(.field("y")).named("chosen")
                Scale(by: 3).on(.blockOutput, layer: 0).at(1).named("second")
            }
            Run.base {
                Interchange(from: SourceReference(run: "clean", positions: .first))
                    .on(.blockOutput, layer: 0).at(.field("x")).named("subject")
                LoReFT(rank: 1).on(.blockOutput, layer: 0).at(3, 5).named("fixed")
            }
        }.overlaps(.error)
        let session = try Session(PeerFixtures.model("llama"), program: program)
        func check(x: Int, y: Int) throws {
            let source = Example(tokens: [4, 5], fields: ["y": [y]])
            let base = Example(
                tokens: [1, 5, 9, 3, 7, 8, 2], target: .tokens(Array(repeating: -100, count: 6) + [2]),
                fields: ["x": [x]], sources: ["clean": source])
            try session.checkTrainingData([base], file: "train")
            _ = try session.run([base])
        }
        try check(x: 0, y: 0)
        let lines = program.runs.flatMap(\.declarations).map { "\($0.location)" }
        #expect { try check(x: 3, y: 0) } throws: {
            "\($0)" == "train: sequence 0: 'fixed' (\(lines[3])) and 'subject' (\(lines[2])) both edit row 3 of "
                + "block_output.0, and overlaps are errors in this program"
        }
        #expect { try check(x: 0, y: 1) } throws: {
            "\($0)"
                == "train: sequence 0 of the run 'clean': 'second' (\(lines[1])) and 'chosen' (\(lines[0])) both edit row 1 of "
                + "clean:block_output.0, and overlaps are errors in this program"
        }
    }
}
