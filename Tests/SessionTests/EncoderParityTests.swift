import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import Session
import Testing

/// DistilBERT, ELECTRA and ESM, bare and with a head, against transformers: sites, logits, loss, gradients of all weights.
@Suite struct EncoderParityTests {
    static let names = PeerFixtures.names(in: "encoders")

    static func model(_ name: String) throws -> Model {
        try Model(at: PeerFixtures.folder.appendingPathComponent("encoders/\(name)").path)
    }

    @Test func thereAreModels() { #expect(Self.names.count == 6) }

    @Test(arguments: names) func sitesLogitsAndLossAgree(name: String) throws {
        let model = try Self.model(name)
        let expected = try PeerFixtures.tensors("encoders/\(name)/expected.safetensors")
        let input = try PeerFixtures.input(PeerFixtures.json("encoders/\(name)/cases.json"), name: name)
        let session = try Session(model)
        let sites = expected.tensors.map(\.name).filter {
            !$0.hasPrefix("gradient") && !["logits", "loss", "last_hidden_state"].contains($0)
        }
        #expect(sites.count >= 2 + 10 * model.sizes.layers)
        let result = try session.run(input.examples, collecting: session.sites(matching: sites))
        #expect(result.collected.count == sites.count)
        for site in result.collected {
            #expect(
                PeerFixtures.error(site.values, try expected.tensor(site.name).floats()) <= 1e-5, "\(site.name)")
        }
        guard model.kind != .encoder else {
            let last = name.hasPrefix("esm") ? "final_norm_output" : "block_output.\(model.sizes.layers - 1)"
            let found = try #require(result.collected.first { $0.name == last })
            #expect(PeerFixtures.error(found.values, try expected.tensor("last_hidden_state").floats()) <= 1e-5)
            #expect(result.logits == nil)
            return
        }
        let logits = try #require(result.logits)
        #expect(PeerFixtures.error(logits.values, try expected.tensor("logits").floats()) <= 1e-5)
        #expect(PeerFixtures.error([Float(try #require(result.loss))], try expected.tensor("loss").floats()) <= 1e-5)
    }

    @Test(arguments: ["distilbert", "electra", "esm"]) func gradientsOfAllWeightsAgree(name: String) throws {
        let session = try Session(Self.model(name), program: Program { Train(weights: "*") })
        let expected = try PeerFixtures.tensors("encoders/\(name)/expected.safetensors")
        let input = try PeerFixtures.input(PeerFixtures.json("encoders/\(name)/cases.json"), name: name)
        let gradients = try session.run(input.examples, gradients: true).gradients
        let wanted = expected.tensors.map(\.name).filter { $0.hasPrefix("gradient.") }
        #expect(gradients.count == wanted.count)
        for gradient in gradients {
            let reference = try expected.tensor("gradient.\(gradient.name)").floats()
            #expect(PeerFixtures.error(gradient.values, reference, floor: 1e-3) <= 1e-4, "\(gradient.name)")
        }
    }

    @Test(arguments: names) func aSequenceGivesTheSameAloneAndInABatch(name: String) throws {
        let session = try Session(Self.model(name))
        let input = try PeerFixtures.input(PeerFixtures.json("encoders/\(name)/cases.json"), name: name)
        let last = try session.sites(matching: ["block_output"]).suffix(1)
        let together = try session.run(input.examples, collecting: Array(last)).collected[0].values
        let alone = try input.examples.flatMap {
            try session.run([$0], collecting: Array(last)).collected[0].values
        }
        #expect(PeerFixtures.error(alone, together) <= 1e-5)
    }

    @Test func labelsAndHeads() throws {
        #expect(try Self.model("distilbert").kind == .sequenceClassifier(labels: ["LABEL_0", "LABEL_1", "LABEL_2"]))
        #expect(try Self.model("esm-absolute").kind == .encoder)
        #expect(try Self.model("esm-absolute").sizes.positionLimit == 18)
        #expect(try Self.model("esm").sizes.positionLimit == nil)
        #expect(try Self.model("electra-bare").sites(matching: "layers[1].head_output.h3").map(\.width) == [4])
        #expect(
            try Self.model("electra").sites(matching: "embeddings_project").map(\.description) == ["embedding"])
    }
}
