import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Session
import Testing

@testable import Training

/// Rotated spaces in training: bases stay orthogonal under weight decay, temperatures follow their course.
@Suite struct RotatedSpaceTrainingTests {
    /// The first block's output at the first token stands in for a counterfactual source.
    private static let source = SourceReference(
        run: "base", place: .layers(.blockOutput, [0], heads: nil), positions: .first)

    static let types: [any Intervention] = [
        RotatedSpace(from: source), LowRankRotatedSpace(rank: 3, from: source), BoundlessRotatedSpace(from: source),
        SigmoidMaskRotatedSpace(from: source),
    ]

    private func program(_ intervention: any Intervention) -> Program {
        Program(declarations: [
            Declaration(intervention, on: .layers(.blockOutput, [1], heads: nil), at: .last, name: "edit")
        ])
    }

    private func settings(_ map: OptimizerSettings.OrthonormalMap) -> TrainingSettings {
        var settings = TrainingSettings(epochs: 6, batchSize: 4, learningRate: 1e-2)
        settings.weightDecay = 0.3
        settings.orthonormalMap = map
        return settings
    }

    @Test(arguments: types.indices, [OptimizerSettings.OrthonormalMap.retraction, .householder])
    func decayLeavesBasesOrthogonal(index: Int, map: OptimizerSettings.OrthonormalMap) throws {
        let session = try Session(TinyModel.named("llama"), program: program(Self.types[index]), seed: 3)
        let before = try session.parameters.values(of: "edit.1.rotation")
        let trainer = try Trainer(session, examples: TinyModel.examples, settings: settings(map))
        let summary = try trainer.run()
        #expect(summary.isComplete)
        #expect(orthonormalityError(try session.parameters.view(of: "edit.1.rotation")) <= 1e-5)
        let after = try session.parameters.values(of: "edit.1.rotation")
        #expect(zip(before, after).contains { abs($0 - $1) > 1e-3 })
    }

    /// θ has no gradient, so that decay would only shrink it; b_d is not read where the rest of the row is kept.
    @Test func decayLeavesThresholdsAlone() throws {
        let intervention = JumpReLUAutoencoder(latents: 6, .set(2), keepsError: true)
        let session = try Session(TinyModel.named("llama"), program: program(intervention), seed: 3)
        try session.parameters.set("edit.1.threshold", [Float](repeating: 0.01, count: 6))
        func value(_ name: String) throws -> [Float] { try session.parameters.values(of: "edit.1.\(name)") }
        let before = try ["encoder", "decoder", "decoder_bias"].map(value)
        _ = try Trainer(session, examples: TinyModel.examples, settings: settings(.retraction)).run()
        #expect(try value("threshold") == [Float](repeating: 0.01, count: 6))
        #expect(try value("encoder") != before[0])
        #expect(try value("decoder") != before[1])
        #expect(try value("decoder_bias") == before[2])
    }

    @Test func temperaturesAreAnnealedAndStored() throws {
        let model = try TinyModel.named("llama")
        let intervention = BoundlessRotatedSpace(from: Self.source, temperature: .annealed(from: 50, to: 0.5))
        let session = try Session(model, program: program(intervention), seed: 3)
        let trainer = try Trainer(session, examples: TinyModel.examples, settings: settings(.retraction))
        var seen: [Float] = []
        _ = try trainer.run { _ in
            seen += try session.parameters.values(of: "edit.1.temperature")
            return true
        }
        #expect(seen.count == 18 && seen.first == 50 && seen.last == 0.5)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 > $1 })
        // The boundary is trained, the temperature is not.
        #expect(try session.parameters.values(of: "edit.1.boundary") != [0.5])
        let adapter = try session.adapter(named: "das")
        #expect(adapter.parameters["edit.1.temperature"]?.values == [0.5])
        #expect(adapter.parameterCount == 32 * 32 + 2)
        let again = try Session(model, adapters: [adapter])
        let examples = Array(TinyModel.examples.prefix(3))
        #expect(try again.run(examples).logits?.values == session.run(examples).logits?.values)
    }

    @Test func aResumedTrainingGoesOnWithTheSameTemperatures() throws {
        let model = try TinyModel.named("llama")
        let whole = try Session(model, program: program(Self.types[2]), seed: 3)
        _ = try Trainer(whole, examples: TinyModel.examples, settings: settings(.retraction)).run()
        try withTemporaryFolder { folder in
            let first = try Session(model, program: program(Self.types[2]), seed: 3)
            let trainer = try Trainer(first, examples: TinyModel.examples, settings: settings(.retraction))
            _ = try trainer.run { $0.step < 7 }
            try trainer.saveCheckpoint(to: folder)
            let second = try Session(model, program: program(Self.types[2]), seed: 9)
            let resumed = try Trainer(second, examples: TinyModel.examples, settings: settings(.retraction))
            try resumed.resume(from: folder)
            _ = try resumed.run()
            for name in ["rotation", "boundary", "temperature"] {
                #expect(
                    try second.parameters.values(of: "edit.1.\(name)") == whole.parameters.values(of: "edit.1.\(name)"))
            }
        }
    }

    /// The types that ReFT is compared with learn too, and generate with what they learned.
    @Test(arguments: AdaptationFamily.allCases) func adaptationsLearn(family: AdaptationFamily) throws {
        let model = try TinyModel.named("llama")
        var losses: [Double] = []
        let adapter = try model.train(
            family.program(rank: 2, dropout: 0.1), on: TinyModel.examples,
            settings: TrainingSettings(epochs: 20, batchSize: 5, learningRate: 2e-2)
        ) { step in
            losses.append(step.loss)
            return true
        }
        #expect(try #require(losses.last) < 0.5 * losses[0])
        let answers = try Session(model, adapters: [adapter]).generate(
            [Example(tokens: [1, 7, 9])], settings: GenerationSettings(maximumTokens: 2))
        #expect(answers.count == 1)
    }
}
