import Checkpoints
import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Session
import Testing

/// DistilBERT, ELECTRA and ESM, bare and with a head, and encoders that score tokens, against transformers: sites, logits, loss, gradients of all weights.
@Suite struct EncoderParityTests {
    static let names = PeerFixtures.names(in: "encoders")

    static func model(_ name: String) throws -> Model {
        try Model(at: PeerFixtures.folder.appendingPathComponent("encoders/\(name)").path)
    }

    private static func examples(_ name: String, _ model: Model) throws -> [Example] {
        try PeerFixtures.input(PeerFixtures.json("encoders/\(name)/cases.json"), name: name).examples
            .map { $0.judged(by: model.kind) }
    }

    @Test func thereAreModels() { #expect(Self.names.count == 13) }

    @Test(arguments: names) func sitesLogitsAndLossAgree(name: String) throws {
        let model = try Self.model(name)
        let expected = try PeerFixtures.tensors("encoders/\(name)/expected.safetensors")
        let examples = try Self.examples(name, model)
        let session = try Session(model)
        let sites = expected.tensors.map(\.name).filter {
            !$0.hasPrefix("gradient") && !["logits", "loss", "last_hidden_state"].contains($0)
        }
        let isShort = ["bert", "bert-untied", "roberta", "mpnet"].contains { name == "masked-\($0)" }
        #expect(sites.count >= (isShort ? 1 + model.sizes.layers : 2 + 10 * model.sizes.layers))
        let result = try session.run(examples, collecting: session.sites(matching: sites))
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

    @Test(arguments: names.filter { $0.hasPrefix("masked") || ["distilbert", "electra", "esm"].contains($0) })
    func gradientsOfAllWeightsAgree(name: String) throws {
        let model = try Self.model(name)
        let session = try Session(model, program: Program { Train(weights: "*") })
        let expected = try PeerFixtures.tensors("encoders/\(name)/expected.safetensors")
        let examples = try Self.examples(name, model)
        let gradients = try session.run(examples, gradients: true).gradients
        let wanted = expected.tensors.map(\.name).filter { $0.hasPrefix("gradient.") }
        #expect(gradients.count == wanted.count)
        for gradient in gradients {
            // Tables of positions are used from row 2 on.
            let parts = gradient.name.split(separator: "[")
            let whole = try expected.tensor("gradient.\(parts[0])").floats()
            let reference = Array(whole.dropFirst(parts.count == 1 ? 0 : 2 * gradient.columns))
            #expect(PeerFixtures.error(gradient.values, reference, floor: 1e-3) <= 1e-4, "\(gradient.name)")
        }
    }

    @Test(arguments: names) func aSequenceGivesTheSameAloneAndInABatch(name: String) throws {
        let model = try Self.model(name)
        let session = try Session(model)
        let examples = try Self.examples(name, model)
        let last = try session.sites(matching: ["block_output"]).suffix(1)
        let together = try session.run(examples, collecting: Array(last)).collected[0].values
        let alone = try examples.flatMap {
            try session.run([$0], collecting: Array(last)).collected[0].values
        }
        #expect(PeerFixtures.error(alone, together) <= 1e-5)
    }

    /// Which way labels are judged is the model's affair, and the other way is refused.
    @Test func labelsOfMaskedModelsAreTheirOwnTokens() throws {
        let session = try Session(Self.model("masked-bert"))
        let error = #expect(throws: InputError.self) {
            try session.run([Example(tokens: [3, 4], target: .tokens([3, -100]))])
        }
        #expect(
            error.map { "\($0)" }
                == "input: sequence 0 has labels of next tokens; a masked language model takes one for each token's own row"
        )
        #expect(session.model.kind == .maskedLanguageModel)
        let judged = Example(tokens: [3, 4], target: .tokens([3, -100])).judged(by: .maskedLanguageModel)
        #expect(judged.judgedRows.map(\.row) == [0] && judged.labelCount == 1)
        #expect(throws: SessionError.self) { try session.generate([Example(tokens: [3, 4])]) }
    }

    /// Sentence encoders are published under the class that they were trained as, without its head.
    @Test func aMaskedModelWithoutItsHeadIsAnEncoder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("headless-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: PeerFixtures.folder.appendingPathComponent("encoders/distilbert-bare"), to: folder)
        let file = folder.appendingPathComponent("config.json")
        let configuration = try String(contentsOf: file, encoding: .utf8)
        #expect(configuration.contains("DistilBertModel"))
        try configuration.replacingOccurrences(of: "DistilBertModel", with: "DistilBertForMaskedLM")
            .write(to: file, atomically: true, encoding: .utf8)
        let model = try Model(at: folder.path)
        #expect(model.kind == .encoder)
        #expect(try model.fingerprint() == Self.model("distilbert-bare").fingerprint())
    }

    /// Training rewards the token that was hidden: LoReFT on a frozen encoder.
    @Test func aMaskedModelIsTrained() throws {
        let session = try Session(
            Self.model("masked-esm"), program: Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.all) })
        let examples = try Self.examples("masked-esm", session.model)
        let scale = 1 / Double(examples.reduce(0) { $0 + $1.labelCount })
        let optimizer = try Optimizer(session.parameters, settings: .adamW())
        var losses: [Double] = []
        for _ in 0..<30 {
            losses.append(try session.accumulateGradients(examples, lossScale: scale))
            try optimizer.step(learningRate: 2e-2)
            session.parameters.clearGradients()
        }
        #expect(losses[29] < 0.8 * losses[0], "\(losses)")
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
