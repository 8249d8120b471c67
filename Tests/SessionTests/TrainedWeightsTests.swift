import Foundation
import InterventionDSL
import ReFTPresets
import Session
import Testing

/// Weights of the model as parameters: first values, adapters, generation.
@Suite struct TrainedWeightsTests {
    static let program = Program {
        Train(weights: "layers[1].mlp.down_proj.weight", "embed_tokens.weight")
        LoReFT(rank: 2).on(.blockOutput, layer: 0).at(.last)
    }
    static let down = "weight:model.layers.1.mlp.down_proj.weight"

    @Test(arguments: ["llama", "llama-bf16"]) func untrainedTheyChangeNothing(name: String) throws {
        let model = try PeerFixtures.model(name)
        let input = [Example(tokens: [5, 9, 17, 4]), Example(tokens: [7, 30])]
        let frozen = try #require(try Session(model).run(input).logits)
        let trained = try #require(try Session(model, program: Program { Train(weights: "*") }).run(input).logits)
        #expect(PeerFixtures.error(trained.values, frozen.values) <= 1e-6)
    }

    @Test func aTiedTableIsOneParameter() throws {
        let session = try Session(PeerFixtures.model("llama"), program: Program { Train(weights: "*") })
        #expect(session.trainedParameterCount == 20640)
        #expect(try session.model.describe().parameterCount == 20640)
    }

    @Test func anAdapterHoldsThemWithTheBasesFingerprint() throws {
        let model = try PeerFixtures.model("llama")
        let session = try Session(model, program: Self.program)
        let moved = try session.parameters.values(of: Self.down).map { $0 * 1.5 }
        try session.parameters.set(Self.down, moved)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try session.adapter(named: "both").write(to: path)
        let adapter = try Adapter(at: path)
        #expect(adapter.program == session.program)
        let again = try Session(model, adapters: [adapter])
        #expect(try again.parameters.values(of: Self.down) == moved)
        let input = [Example(tokens: [5, 9, 17, 4])]
        #expect(try again.run(input).logits?.values == session.run(input).logits?.values)
        #expect(try again.run(input).logits?.values != Session(model).run(input).logits?.values)
        let prompts = [Example(tokens: [5, 9, 17])]
        var settings = GenerationSettings(maximumTokens: 5)
        settings.ignoresEnd = true
        #expect(try again.generate(prompts, settings: settings) == session.generate(prompts, settings: settings))
        #expect(throws: SessionError.self) { try Session(PeerFixtures.model("mistral"), adapters: [adapter]) }
    }

    @Test func twoAdaptersCanNotBothTrainAWeight() throws {
        let model = try PeerFixtures.model("llama")
        let session = try Session(model, program: Self.program)
        let first = try session.adapter(named: "first")
        try session.parameters.set(Self.down, session.parameters.values(of: Self.down).map { $0 + 1 })
        let second = try session.adapter(named: "second")
        #expect {
            try Session(model, adapters: [first, second])
        } throws: {
            "\($0)" == "second: trained '\(Self.down)', which first trained to other numbers; "
                + "a weight can have only one value"
        }
        // The same numbers do no harm; the declarations of equal names get prefixes, the weights keep theirs.
        let pair = try Session(model, adapters: [first, first])
        #expect(pair.parameters.names.filter { $0 == Self.down }.count == 1)
        #expect(pair.parameters.names.contains("first/loreft.0.rotation"))
        var incomplete = first
        incomplete.parameters[Self.down] = nil
        #expect {
            try Session(model, adapters: [incomplete])
        } throws: {
            "\($0)".contains("'\(Self.down)' is missing")
        }
    }

    @Test func sitesAndWeightsOfAModel() throws {
        let model = try PeerFixtures.model("gpt2")
        #expect(
            try model.sites(matching: "transformer.h[*].attn").map(\.description) == [
                "attention_output.0", "attention_output.1",
            ])
        #expect(try model.sites(matching: "layers[1].head_query_output.h2").map(\.width) == [8])
        #expect(try model.weights(matching: "h[*].attn.c_attn.*").map(\.count) == [3072, 96, 3072, 96])
        let roberta = try PeerFixtures.model("roberta").weights(matching: "position_embeddings.weight")
        #expect(roberta.map(\.name) == ["roberta.embeddings.position_embeddings.weight[2:]"])
    }
}
