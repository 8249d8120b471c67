import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// Trained weights of the model itself that pyreft saves beside interventions. That outputs agree is tested with all other
/// folders.
@Suite struct PeerModelWeightsTests {
    private func imported(_ name: String) throws -> (adapter: Adapter, notes: [String]) {
        var notes: [String] = []
        let adapter = try PyreftFolderTests.Case(name).adapter { notes.append($0) }
        return (adapter, notes)
    }

    @Test func onlyTrainedWeightsAreTaken() throws {
        let (adapter, notes) = try imported("llama-loreft-with-model")
        let names = ["model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight"]
        #expect(adapter.program.trainable.map(\.pattern) == names)
        #expect(
            Set(adapter.parameters.keys)
                == Set(names.map { "weight:\($0)" } + ["bias", "rotation", "weight"].map { "loreft.0.\($0)" }))
        #expect(
            notes == [
                "pytorch_model.bin holds trained weights of the model itself, which become part of the adapter: "
                    + names.joined(separator: ", "),
                "1 more of its tensors are as llama has them and are left out",
            ])
    }

    @Test func rowsThatTheGraphDoesNotReadAreLeftOut() throws {
        let (adapter, _) = try imported("roberta-loreft-with-model")
        #expect(
            adapter.program.trainable.map(\.pattern) == [
                "roberta.embeddings.position_embeddings.weight", "classifier.dense.bias",
            ])
        #expect(adapter.parameters["weight:roberta.embeddings.position_embeddings.weight[2:]"] != nil)
    }

    @Test func theModelsOwnWeightsAreNotTaken() throws {
        let (adapter, notes) = try imported("llama-loreft-with-its-model")
        #expect(adapter.program.trainable.isEmpty)
        #expect(
            notes == [
                "pytorch_model.bin holds the weights that llama has: nothing but the interventions is imported"
            ])
    }

    /// The folder of a case with other tensors in its `pytorch_model.bin`.
    private func importing(_ tensors: [NamedTensor], note: (String) -> Void = { _ in }) throws -> Adapter {
        let peer = try PyreftFolderTests.Case("llama-loreft-with-model")
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: path) }
        try FileManager.default.copyItem(at: peer.folder.appendingPathComponent("adapter"), to: path)
        let file = path.appendingPathComponent("pytorch_model.bin")
        try FileManager.default.removeItem(at: file)
        try PyTorchWriter.write(tensors, to: file)
        do {
            return try peer.adapter(at: path.path, note: note)
        } catch let error as InputError {
            throw InputError(
                file: error.file.replacing(path.path, with: "F"), problems: error.problems)
        }
    }

    @Test func everythingThatDoesNotFitIsReported() throws {
        let numbers = [Float](repeating: 0.5, count: 33)
        let table = try PyreftFolderTests.Case("llama-loreft-with-model").model.weights.floats(
            named: "model.embed_tokens.weight", count: 96 * 32)
        let embeddings = try #require(table)
        #expect {
            try importing([
                NamedTensor("model.norm.weight", shape: [33], floats: numbers),
                NamedTensor("model.layers.0.mlp.up_proj.weight", shape: [1, 1], floats: [.nan]),
                NamedTensor("score.weight", shape: [3, 11], floats: numbers),
                NamedTensor(
                    "model.layers.1.input_layernorm.weight", shape: [32], floats: [.infinity] + numbers.prefix(31)),
                NamedTensor("model.embed_tokens.weight", shape: [96, 32], floats: embeddings),
                NamedTensor("lm_head.weight", shape: [96, 32], floats: embeddings.map { $0 + 1 }),
            ])
        } throws: {
            "\($0)" == """
                F/pytorch_model.bin: 'model.norm.weight' is [33]; that of llama is [32]
                F/pytorch_model.bin: 'model.layers.0.mlp.up_proj.weight' is [1, 1]; that of llama is [48, 32]
                F/pytorch_model.bin: 'model.layers.1.input_layernorm.weight' holds numbers that are not finite
                F/pytorch_model.bin: 'score.weight' [3, 11] is no tensor of llama
                F/pytorch_model.bin: 'lm_head.weight' and 'model.embed_tokens.weight' hold different numbers; llama uses one \
                table for both
                """
        }
    }

    /// A tied table under its second name, with and without the first; names without the body's.
    @Test func otherNamesOfATensor() throws {
        let peer = try PyreftFolderTests.Case("llama-loreft-with-model")
        let own = try #require(peer.model.weights.floats(named: "model.embed_tokens.weight", count: 96 * 32))
        let moved = own.map { $0 * 1.5 }
        let head = try NamedTensor("lm_head.weight", shape: [96, 32], floats: moved)
        let both = try importing([head, NamedTensor("embed_tokens.weight", shape: [96, 32], floats: moved)])
        for adapter in [try importing([head]), both] {
            #expect(adapter.program.trainable.map(\.pattern) == ["model.embed_tokens.weight"])
            #expect(adapter.parameters["weight:model.embed_tokens.weight"]?.values == moved)
        }
    }
}
