import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing

@testable import Training

@Suite struct TrainerTests {
    private func session(_ model: String = "llama", _ program: Program = TinyModel.loreft()) throws -> Session {
        try Session(TinyModel.named(model), program: program, seed: 7)
    }

    private func values(_ session: Session) throws -> [[Float]] {
        try session.parameters.specifications.map { try session.parameters.values(of: $0.name) }
    }

    private static func settings(_ change: (inout TrainingSettings) -> Void = { _ in }) -> TrainingSettings {
        var settings = TrainingSettings()
        (settings.epochs, settings.batchSize) = (4, 3)
        change(&settings)
        return settings
    }

    @Test func accumulatedBatchesAreOneBigBatch() throws {
        let whole = Self.settings { ($0.batchSize, $0.shuffles) = (10, false) }
        let parts = Self.settings { ($0.batchSize, $0.gradientAccumulation, $0.shuffles) = (3, 4, false) }
        var runs: [(losses: [Double], norms: [Double])] = []
        for settings in [whole, parts] {
            var (losses, norms): ([Double], [Double]) = ([], [])
            _ = try Trainer(session(), examples: TinyModel.examples, settings: settings).run {
                losses.append($0.loss)
                norms.append($0.gradientNorm)
                return true
            }
            runs.append((losses, norms))
        }
        #expect(runs[0].losses.count == 4)
        for (one, other) in zip(runs[0].losses + runs[0].norms, runs[1].losses + runs[1].norms) {
            #expect(abs(one - other) <= 1e-5 * abs(one))
        }
    }

    @Test func resumingGivesTheSameBits() throws {
        try withTemporaryFolder { folder in
            let program = Program { LoReFT(rank: 2, dropout: 0.2).on(.blockOutput, layer: 1).at(.last(1)) }
            let settings = Self.settings { ($0.weightDecay, $0.clip) = (0.01, 1) }
            let whole = try session("llama", program)
            _ = try Trainer(whole, examples: TinyModel.examples, settings: settings).run()
            let first = try Trainer(session("llama", program), examples: TinyModel.examples, settings: settings)
            // In the middle of the second epoch.
            let stopped = try first.run { $0.step < 6 }
            #expect(stopped.steps == 6 && !stopped.isComplete && stopped.plannedSteps == 16)
            try first.saveCheckpoint(to: folder)
            let second = try session("llama", program)
            let resumed = try Trainer(second, examples: TinyModel.examples, settings: settings)
            try resumed.resume(from: folder)
            #expect(try resumed.run().isComplete)
            #expect(try values(second) == values(whole))
        }
    }

    @Test func aStateOfAnotherTrainingIsRefused() throws {
        try withTemporaryFolder { folder in
            let trainer = try Trainer(session(), examples: TinyModel.examples, settings: Self.settings())
            _ = try trainer.run { $0.step < 2 }
            try trainer.saveCheckpoint(to: folder)
            let state = folder.appendingPathComponent("state.json")
            func refusal(
                _ model: String = "llama", _ program: Program = TinyModel.loreft(),
                _ examples: [Example] = TinyModel.examples, _ settings: TrainingSettings = Self.settings()
            ) throws -> String {
                do {
                    try Trainer(session(model, program), examples: examples, settings: settings).resume(from: folder)
                    return "accepted"
                } catch {
                    return "\(error)"
                }
            }
            let prefix = "\(state.path): was saved with other "
            #expect(try refusal() == "accepted")
            #expect(try refusal("llama-f16") == prefix + "model")
            #expect(try refusal("llama", TinyModel.loreft(layer: 0)) == prefix + "program")
            #expect(try refusal("llama", TinyModel.loreft(), TinyModel.examples.reversed()) == prefix + "data")
            let longer = Self.settings { $0.epochs = 5 }
            #expect(try refusal("llama", TinyModel.loreft(), TinyModel.examples, longer) == prefix + "settings")
            var saved = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: state)) as? [String: Any])
            for step in [-1, 1_000_000] {
                saved["step"] = step
                try JSONSerialization.data(withJSONObject: saved).write(to: state)
                #expect(
                    try refusal() == "\(state.path): step \(step) is not within the 16 steps of the training")
            }
            try Data("{".utf8).write(to: state)
            #expect(try refusal() == "\(state.path): the saved state is damaged and can not be gone on from")
        }
    }

    @Test func divergenceIsAnError() throws {
        let settings = Self.settings { ($0.learningRate, $0.epochs, $0.batchSize) = (1e300, 1, 10) }
        #expect { try Trainer(session(), examples: TinyModel.examples, settings: settings).run() } throws: {
            "\($0)"
                == "a parameter is no finite number after step 1: the learning rate may be too high; nothing was written"
        }
    }

    @Test func whatCanNotBeTrainedIsRefused() throws {
        let nothing = Program { Zero().on(.blockOutput, layer: 1).at(.all) }
        #expect { try Trainer(session("llama", nothing), examples: TinyModel.examples) } throws: {
            "\($0)" == "the program has no parameter to train: none of its interventions has any, and no "
                + "weight of the model is declared trainable"
        }
        let unlabelled = [Example(tokens: [1, 2]), Example(tokens: [1, 96], target: .tokens([-100, 3]))]
        #expect { try Trainer(session(), examples: unlabelled, dataName: "d") } throws: {
            "\($0)" == "d: sequence 1, position 1: token 96 is not within 0..<96"
        }
        #expect { try Trainer(session(), examples: [unlabelled[0]], dataName: "d") } throws: {
            "\($0)" == "d: example 0 has no label that is judged"
        }
        let far = TinyModel.loreft(positions: .at(4))
        #expect { try Trainer(session("llama", far), examples: [TinyModel.examples[0]], dataName: "d") } throws: {
            "\($0)"
                == "d: sequence 0: position 4 is outside its prompt of 3 tokens; "
                + ".sequence positions count beyond the prompt"
        }
        let mixed = [Example(tokens: [1], target: .category(0)), Example(tokens: [2])]
        #expect { try Trainer(session("bert", TinyModel.loreft(positions: .first(1))), examples: mixed) } throws: {
            "\($0)" == "data: 1 of 2 sequences have a label: give one to each, or to none"
        }
    }

    @Test(arguments: ["bert", "bert-regression", "roberta"]) func sequenceModelsLearn(model: String) throws {
        let examples = (0..<6).map { index in
            Example(
                tokens: [Int32(index + 3), 9, 4],
                target: model == "bert-regression" ? .number(Float(index) / 4) : .category(Int32(index % 2)))
        }
        let settings = Self.settings { ($0.epochs, $0.batchSize, $0.learningRate) = (30, 6, 0.02) }
        let session = try session(model, TinyModel.loreft(positions: .first(1)))
        var losses: [Double] = []
        _ = try Trainer(session, examples: examples, settings: settings).run {
            losses.append($0.loss)
            return true
        }
        #expect(try #require(losses.last) < 0.7 * losses[0])
    }
}
