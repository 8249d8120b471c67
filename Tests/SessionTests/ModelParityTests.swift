import Checkpoints
import Foundation
import Graph
import Models
import Session
import Testing

/// Seeded tiny models of each family against transformers.
@Suite struct ModelParityTests {
    static let names = PeerFixtures.names(in: "models")

    @Test func thereAreModels() { #expect(Self.names.count >= 15) }

    @Test(arguments: names) func logitsBlockOutputsAndLossAgree(name: String) throws {
        let model = try PeerFixtures.model(name)
        let input = try PeerFixtures.input(PeerFixtures.json("models/\(name)/cases.json"), name: name)
        let expected = try PeerFixtures.tensors("models/\(name)/expected.safetensors")
        let session = try Session(model)
        let result = try session.run(input.examples, collecting: session.sites(matching: ["block_output"]))

        let logits = try #require(result.logits)
        #expect(PeerFixtures.error(logits.values, try expected.tensor("logits").floats()) <= 1e-5)
        #expect(result.collected.count == model.sizes.layers)
        for site in result.collected {
            #expect(
                PeerFixtures.error(site.values, try expected.tensor(site.name).floats()) <= 1e-5, "\(site.name)")
        }
        let loss = try #require(result.loss)
        #expect(PeerFixtures.error([Float(loss)], try expected.tensor("loss").floats()) <= 1e-5)
    }

    @Test(arguments: names.filter { !$0.contains("bert") }) func greedyTextAgrees(name: String) throws {
        let generated = try #require(PeerFixtures.json("models/\(name)/expected.json")["generated"] as? [[Int]])
        let input = try PeerFixtures.input(PeerFixtures.json("models/\(name)/cases.json"), name: name)
        var settings = GenerationSettings(maximumTokens: 12)
        settings.ignoresEnd = true
        let answers = try Session(PeerFixtures.model(name)).generate(input.examples, settings: settings)
        #expect(answers.map { $0.tokens.map(Int.init) } == generated)
    }

    @Test(arguments: ["llama", "mistral", "gpt2", "qwen2", "bert"])
    func aSequenceGivesTheSameAloneAndInABatch(name: String) throws {
        let session = try Session(PeerFixtures.model(name))
        let input = try PeerFixtures.input(PeerFixtures.json("models/\(name)/cases.json"), name: name)
        let together = try #require(try session.run(input.examples).logits)
        var alone: [Float] = []
        for example in input.examples { alone += try #require(try session.run([example]).logits).values }
        #expect(PeerFixtures.error(alone, together.values) <= 1e-5)
    }
}
