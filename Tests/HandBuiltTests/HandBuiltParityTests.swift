import Foundation
import SwiftReFT
import Testing

@testable import HandBuilt

/// The hand-built MLP and GRU of Examples against pyvene's, plain, with interchanges, and their gradients.
@Suite struct HandBuiltParityTests {
    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/handbuilt")

    struct Fixture {
        let model: Model
        let expected: SafetensorsFile
        let base: [Example]
        let source: [Example]

        init(_ name: String) throws {
            let folder = HandBuiltParityTests.folder.appendingPathComponent(name)
            let weights = try SafetensorsFile(at: folder.appendingPathComponent("weights.safetensors")).tensors
            let (classes, steps) = (["a", "b", "c"], name == "gru" ? 6 : 1)
            model =
                name == "gru"
                ? try GRUClassifier(layers: 2, width: 8, steps: steps, classes: classes).model(weights: weights)
                : try MLPClassifier(layers: 2, width: 8, classes: classes).model(weights: weights)
            expected = try SafetensorsFile(at: folder.appendingPathComponent("expected.safetensors"))
            let features = try SafetensorsFile(at: folder.appendingPathComponent("features.safetensors"))
            let labels: [Int32] = [2, 0, 1, 1]
            func examples(_ tensor: String) throws -> [Example] {
                let rows = try features.tensor(tensor).floats().chunks(of: 8)
                return labels.indices.map {
                    Example(
                        features: Array(rows[$0 * steps..<($0 + 1) * steps]), target: .category(labels[$0]))
                }
            }
            (base, source) = (try examples("base"), try examples("source"))
        }

        func error(_ found: [Float], _ name: String) throws -> Double {
            let reference = try expected.tensor(name).floats()
            guard found.count == reference.count else { return .infinity }
            let largest = reference.map(abs).max() ?? 0
            return Double((zip(found, reference).map { abs($0 - $1) }.max() ?? 0) / largest)
        }
    }

    static func swap(_ component: Component, _ layer: Int, _ positions: Positions) -> Program {
        Program {
            Run("other")
            Interchange(from: "other").on(component, layer: layer).at(positions)
        }
    }

    @Test(arguments: ["mlp", "gru"]) func logitsStatesLossAndGradients(name: String) throws {
        let fixture = try Fixture(name)
        let session = try Session(fixture.model, program: Program { Train(weights: "*") })
        let states = try session.sites(matching: [name == "gru" ? "cell_output" : "block_output"])
        let result = try session.run(fixture.base, collecting: states, gradients: true)
        #expect(try fixture.error(#require(result.logits).values, "logits") <= 1e-5)
        #expect(try fixture.error([Float(#require(result.loss))], "loss") <= 1e-5)
        for (layer, site) in result.collected.enumerated() {
            #expect(try fixture.error(site.values, "hidden.\(layer)") <= 1e-5)
        }
        #expect(result.gradients.count == (name == "gru" ? 9 : 6))
        for gradient in result.gradients {
            #expect(try fixture.error(gradient.values, "gradient.\(gradient.name)") <= 1e-4, "\(gradient.name)")
        }
    }

    @Test(arguments: [0, 1], [false, true]) func interchangeAtAHiddenLayer(layer: Int, isStored: Bool) throws {
        let fixture = try Fixture("mlp")
        let session = try Session(fixture.model, program: Self.swap(.blockOutput, layer, .all))
        session.activations = isStored ? ActivationStore() : nil
        let result = try session.run(fixture.base, sources: ["other": fixture.source])
        #expect(try fixture.error(#require(result.logits).values, "interchange.\(layer).logits") <= 1e-5)
    }

    @Test(arguments: [(0, 2), (1, 0), (1, 4)], [false, true])
    func interchangeAtATimeStep(_ place: (layer: Int, step: Int), isStored: Bool) throws {
        let (layer, step) = place
        let fixture = try Fixture("gru")
        let session = try Session(fixture.model, program: Self.swap(.cellOutput, layer, .at(step)))
        session.activations = isStored ? ActivationStore() : nil
        let states = try session.sites(matching: ["cell_output.\(layer)"])
        let result = try session.run(fixture.base, sources: ["other": fixture.source], collecting: states)
        #expect(try fixture.error(#require(result.logits).values, "interchange.\(layer).\(step).logits") <= 1e-5)
        #expect(try fixture.error(result.collected[0].values, "interchange.\(layer).\(step).hidden") <= 1e-5)
    }

    @Test func sequencesOfDifferentLengthsInOneBatch() throws {
        let fixture = try Fixture("gru")
        func cut(_ examples: [Example]) -> [Example] {
            zip(examples, [6, 2, 4, 1]).map { Example(features: Array(($0.features ?? []).prefix($1))) }
        }
        let plain = try Session(fixture.model).run(cut(fixture.base))
        #expect(try fixture.error(#require(plain.logits).values, "ragged.logits") <= 1e-5)
        // Alone, most have steps that nobody takes.
        let alone = try cut(fixture.base).flatMap { try #require(Session(fixture.model).run([$0]).logits).values }
        #expect(try fixture.error(alone, "ragged.logits") <= 1e-5)
        let swap = Program {
            Run("other")
            Interchange(from: SourceReference(run: "other", positions: .at(0))).on(.cellOutput, layer: 0).at(.last)
        }
        let swapped = try Session(fixture.model, program: swap).run(
            cut(fixture.base), sources: ["other": cut(fixture.source)])
        #expect(try fixture.error(#require(swapped.logits).values, "ragged.interchange.logits") <= 1e-5)
    }

    @Test func anEditOfAStepIsMadeOnce() throws {
        // A constant added at step 2 of layer 1 shows there once, and in later steps only through the recurrence.
        let fixture = try Fixture("gru")
        let shift = Program { Add([Float](repeating: 0.5, count: 8)).on(.cellOutput, layer: 1).at(2) }
        let site = SiteID(.cellOutput, layer: 1)
        let plain = try Session(fixture.model).run(fixture.base, collecting: [site]).collected[0].values
        let edited = try Session(fixture.model, program: shift).run(fixture.base, collecting: [site]).collected[0]
            .values
        for row in 0..<24 {
            for column in 0..<8 {
                let change = edited[row * 8 + column] - plain[row * 8 + column]
                if row % 6 < 2 { #expect(change == 0) }
                if row % 6 == 2 { #expect(abs(change - 0.5) < 1e-6) }
                if row % 6 > 2 { #expect(abs(change) < 0.5) }
            }
        }
    }

    @Test func aProgramTrainsAndItsAdapterIsKept() throws {
        let fixture = try Fixture("gru")
        let program = Program { LoReFT(rank: 2).on(.cellOutput, layers: .all).at(.first(1) + .last(1)) }
        let settings = TrainingSettings(epochs: 60, batchSize: 4, learningRate: 2e-2)
        var losses: [Double] = []
        let adapter = try fixture.model.train(program, on: fixture.base, settings: settings) { step in
            losses.append(step.loss)
            return true
        }
        let last = try #require(losses.last)
        #expect(last < 0.95 * losses[0])
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try adapter.write(to: path)
        let again = try Session(fixture.model, adapters: [Adapter(at: path)]).run(fixture.base)
        // The last step moved them once more.
        #expect(abs(try #require(again.loss) - last) < 0.05 * losses[0])
        #expect(throws: SessionError.self) { try Session(Fixture("mlp").model, adapters: [Adapter(at: path)]) }
    }
}

/// What is said of hand-built models and their input that do not fit.
@Suite struct HandBuiltErrorTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing"
        } catch {
            return "\(error)"
        }
    }

    @Test func weightsAreChecked() throws {
        let network = MLPClassifier(layers: 1, width: 2, classes: ["a", "b"])
        let tensors = try [
            StoredTensor("mlp.h.0.ff1.weight", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6]),
            StoredTensor("mlp.h.0.ff1.bias", shape: [2], floats: [1, 2]),
            StoredTensor("score.weight", shape: [2, 2], floats: [1, 2, 3, 4]),
        ]
        #expect(
            message { _ = try network.model(weights: tensors) } == """
                mlp: 2 problems
                  tensor mlp.h.0.ff1.weight has shape [2, 3], the configuration needs [2, 2]
                  tensor score.bias [2] is missing
                """)
    }

    @Test func inputIsChecked() throws {
        let model = try HandBuiltParityTests.Fixture("gru").model
        let row = [Float](repeating: 0, count: 8)
        let session = try Session(model)
        #expect(
            message { _ = try session.run([Example(features: [row, [1, 2]]), Example(tokens: [0])]) } == """
                input: sequence 0, row 1 has 2 numbers; gru takes 8
                input: sequence 1 has tokens; gru takes rows of 8 numbers
                """)
        #expect(
            message { _ = try session.run([Example(features: Array(repeating: row, count: 7))]) }
                == "input: sequence 0 has 7 tokens; the model takes at most 6")
        #expect(
            message { _ = try session.generate([Example(features: [row])]) }
                == "gru does not fit: this needs a language model, which scores the next token")
    }

    @Test func anEditOfStatesDoesNotCollect() throws {
        let model = try HandBuiltParityTests.Fixture("gru").model
        let both = Program { EditingProbe().on(.cellOutput, layer: 0).at(.all) }
        #expect(
            message { _ = try Session(model, program: both) }.hasSuffix(
                "on cell_output.0: an edit of a recurrence's states can not collect too; declare Collect beside it"))
        let reading = Program { Collect("states").on(.cellOutput, layer: 0).at(.last) }
        let found = try Session(model, program: reading).run(HandBuiltParityTests.Fixture("gru").base).collected[0]
        #expect(found.rows == 4 && found.columns == 8)
    }
}

private struct EditingProbe: Intervention {
    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        context.collect(rows)
        return rows * 2
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
