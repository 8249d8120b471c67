import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// Autoencoders and principal components on their way to pyvene. What pyvene itself has saved is read in
/// `PyreftFolderTests`.
@Suite struct PeerAutoencoderTests {
    private let source = ["source-0": [[3, 14, 15, 9, 2], [7, 1, 8, 2, 8, 1]]]

    private func examples() throws -> [Example] {
        let object: [String: Any] = [
            "sequences": [[5, 9, 17, 4, 30], [7, 30, 2, 6, 11, 12]],
            "sources": ["source-0": ["sequences": source["source-0"] ?? []]],
        ]
        return try RunInput(json: JSONSerialization.data(withJSONObject: object), file: "input").examples
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func numbers(_ count: Int, _ seed: Double) -> [Float] {
        (0..<count).map { Float(sin(Double($0) * seed) / 3) }
    }

    /// Layers that lie in a file are written for pyvene, and are parameters when they come back.
    @Test func frozenLayersAreWritten() throws {
        let model = try PeerFixtures.model("llama")
        try withFolder { folder in
            let names = ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"]
            let shapes = [[32, 6], [6, 32], [6], [32], [6]]
            let tensors = try zip(names, shapes).enumerated().map { place, tensor in
                try NamedTensor(
                    tensor.0, shape: tensor.1, floats: numbers(tensor.1.reduce(1, *), 0.7 + Double(place)))
            }
            try SafetensorsWriter.write(tensors, metadata: [:], to: folder.appendingPathComponent("sae.safetensors"))
            let program = Program {
                Run("source-0")
                Run.base {
                    JumpReLUAutoencoder(
                        JumpReLUWeights(file: "sae.safetensors", width: 32, latents: 6), .swap(from: "source-0")
                    )
                    .on(.blockOutput, layer: 0).at(.at(2)).subspace(0..<4)
                }
            }
            let reader = TensorReader(folder: folder)
            let frozen = try Session(model, program: program, constantsIn: reader)
            let path = folder.appendingPathComponent("pyvene").path
            try PyreftFolder.write(try frozen.adapter(named: "sae"), to: path, model: model, constantsIn: reader)
            let read = try PyreftFolder.adapter(at: path, for: model, PyveneOptions(positions: .at(2)))
            #expect(read.parameters["jumpreluautoencoder.0.encoder"]?.values == numbers(192, 0.7))
            #expect(read.program.declarations.first?.subspace == .fixed([0, 1, 2, 3]))
            let expected = try #require(try frozen.run(examples()).logits)
            let found = try #require(try Session(model, adapters: [read]).run(examples()).logits)
            #expect(PeerFixtures.error(found.values, expected.values) <= 1e-6)
        }
    }

    @Test func asManyLatentsAsColumns() throws {
        var notes: [String] = []
        let adapter = try PyreftFolderTests.Case("llama-jumprelu-more-than-columns").adapter { notes.append($0) }
        #expect(adapter.program.declarations.first?.subspace == .fixed(Array(0..<32)))
        #expect(
            notes == [
                "representations[0]: of its 40 latents pyvene interchanges the first 32, as many as the site has columns, "
                    + "since set_interchange_dim has not been called"
            ])
    }

    @Test func principalComponentsAreRefused() throws {
        let model = try PeerFixtures.model("llama")
        let program = Program {
            Run("clean")
            Run.base {
                PCARotatedSpace(
                    from: "clean", components: .numbers([numbers(32, 1)]), mean: .numbers(numbers(32, 2)),
                    deviation: .numbers(numbers(32, 3).map { abs($0) + 1 })
                ).on(.blockOutput, layer: 1).at(.last)
            }
        }
        let adapter = try Session(model, program: program).adapter(named: "pca")
        #expect {
            try PyreftFolder.write(adapter, to: "never-written", model: model)
        } throws: {
            "\($0)"
                == "pca: 'pcarotatedspace' on block_output.1: pyvene saves neither the components nor the mean and the "
                + "deviation of PCARotatedSpaceIntervention, so that no folder can hold it"
        }
    }
}
