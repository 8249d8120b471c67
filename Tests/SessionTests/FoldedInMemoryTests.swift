import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// A program folded into a model that lies in memory. Programs and families are those of ``FoldingTests``, which compares
/// logits in memory too.
@Suite struct FoldedInMemoryTests {
    private let input = [Example(tokens: [1, 5, 9, 3]), Example(tokens: [7, 2])]
    private let program = Program { LoReFT(rank: 2).on(.attentionOutput, layers: .all).at(.all) }

    @Test func itGeneratesWhatTheEditedModelGenerates() throws {
        let session = try Session(PeerFixtures.model("llama"), program: program, seed: 11)
        let folded = try session.folded()
        var settings = GenerationSettings(maximumTokens: 8)
        settings.ignoresEnd = true
        let answers = try Session(folded).generate(input, settings: settings).map(\.tokens)
        #expect(answers == (try session.generate(input, settings: settings).map(\.tokens)))
        #expect(try folded.fingerprint().compare(with: session.model.fingerprint()) != .same)
        // The model itself is as it was.
        #expect(try Session(session.model).run(input).logits?.values != Session(folded).run(input).logits?.values)
    }

    /// Blocks of a file take no new numbers exactly, but memory does.
    @Test(arguments: ["llama-quantised", "gpt2", "qwen2"]) func modelsOfGGUFFold(name: String) throws {
        let file = PeerFixtures.folder.appendingPathComponent("gguf/\(name).gguf")
        let model = try Model(at: file.path)
        let program = Program {
            Train(weights: "*norm.weight", "*ln_1.weight")
            Scale(by: -0.5).on(.queryOutput, layers: .all).at(.all)
            LoRA(rank: 2).on(.valueOutput, layer: 0).at(.all)
        }
        let matching = Program(
            runs: program.runs,
            trainable: program.trainable.filter { (try? model.weights(matching: $0.pattern)) != nil })
        let session = try Session(model, program: matching, seed: 3)
        for parameter in session.hookGraph.parameters {
            let values = try session.parameters.values(of: parameter.name)
            try session.parameters.set(parameter.name, Self.moved(values))
        }
        let expected = try #require(try session.run(input).logits).values
        let found = try #require(try Session(session.folded()).run(input).logits).values
        #expect(PeerFixtures.error(found, expected) < 1e-5)
        #expect(PeerFixtures.error(try Session(model).run(input).logits?.values ?? [], expected) > 1e-3)
    }

    private static func moved(_ values: [Float]) -> [Float] {
        values.indices.map { place in
            let shift: Float = place % 3 == 0 ? 0.01 : 0
            return values[place] * 1.25 + shift
        }
    }

    /// A folded model can be folded into again, and be written with all that has been folded.
    @Test func foldsAddUp() throws {
        let model = try PeerFixtures.model("llama")
        let first = try Session(model, program: program, seed: 11)
        let further = Program { NodiReFT(rank: 2).on(.attentionOutput, layer: 0).at(.all) }
        let second = try Session(first.folded(), program: further, seed: 5)
        let expected = try #require(try second.run(input).logits).values
        let twice = try FoldedModel(second)
        #expect(PeerFixtures.error(try Session(twice.model).run(input).logits?.values ?? [], expected) < 1e-5)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try twice.write(to: folder.path)
        let found = try Session(Model(at: folder.path)).run(input).logits?.values ?? []
        #expect(PeerFixtures.error(found, expected) < 1e-5)
    }
}
