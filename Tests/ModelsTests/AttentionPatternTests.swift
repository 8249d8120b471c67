import Checkpoints
import Foundation
import Graph
import Models
import Testing

/// Attention patterns against transformers' `output_attentions`, and the families whose scores have a bias by distance.
@Suite struct AttentionPatternTests {
    // MARK: Patterns

    @Test(arguments: ["llama-biased-wide-heads", "mistral", "gpt2", "bert", "roberta"])
    func patternsOfAllLayers(name: String) throws {
        let fixture = try FixtureModel(name)
        let expected = try Checkpoint(at: FixtureModel.fixtures.appendingPathComponent("attention/\(name).safetensors"))
        let (graph, _) = try fixture.model.graph()
        var patterns: [ValueID] = []
        var scores: [ValueID] = []
        for layer in 0..<fixture.model.sizes.layers {
            patterns.append(try #require(graph.site(SiteID(.attentionPattern, layer: layer))).value)
            scores.append(try #require(graph.site(SiteID(.attentionScores, layer: layer))).value)
        }
        let batch = FixtureBatch(fixture.cases.sequences)
        let exact = try batch.evaluate(graph, patterns + scores, of: fixture.model)
        let executed = try batch.execute(graph, patterns + scores, of: fixture.model)
        let pairs = fixture.cases.sequences.reduce(0) { $0 + $1.count * $1.count }
        for layer in patterns.indices {
            let reference = try expected.tensor("attention_pattern.\(layer)").floats()
            #expect(exact[layer].rows == pairs && exact[layer].columns == fixture.model.sizes.heads)
            #expect(relativeError(exact[layer].values, reference) < 1e-5, "layer \(layer)")
            #expect(relativeError(executed[layer].map(Double.init), reference) < 1e-5, "layer \(layer)")
            // What the mask hides has the score −∞, and nothing else has.
            let hidden = exact[layer + patterns.count].values.map { $0 == -.infinity }
            #expect(hidden == exact[layer].values.map { $0 == 0 })
            #expect(executed[layer + patterns.count].map { $0 == -.infinity } == hidden)
            #expect(hidden.contains(true) != ["bert", "roberta"].contains(name))
        }
    }

    @Test func modelsAreDescribedWithThem() throws {
        let sites = try FixtureModel("gpt2").model.describe().sites.filter { $0.rows == "pairs" }
        #expect(sites.map(\.component) == ["attention_scores", "attention_pattern"])
        #expect(
            sites.map(\.layers) == [0...1, 0...1] && sites.map(\.heads) == [4, 4] && sites.map(\.width) == [4, 4])
        #expect(sites[1].modulePath == "transformer.h[%s].attn.output[1]")
    }

    private struct Buckets: Decodable {
        struct Case: Decodable {
            var buckets: Int
            var maximum: Int
            var bidirectional: Bool
            var found: [Int]
        }
        var first: Int
        var cases: [Case]
    }

    @Test func bucketsOfDistances() throws {
        let fixture = try FixtureModel.decoded(Buckets.self, "attention/buckets.json")
        #expect(fixture.cases.count == 5)
        for one in fixture.cases {
            let attributes = PositionBiasAttributes(
                buckets: one.buckets, maximumDistance: one.maximum, bidirectional: one.bidirectional,
                rows: PairRows(queries: 1, pairs: 1))
            let found = one.found.indices.map { attributes.bucket(distance: fixture.first + $0) }
            #expect(found == one.found, "\(one.buckets) buckets up to \(one.maximum)")
        }
    }

    // MARK: Families

    /// Every recorded site of MPNet and T5, in Float64 and as the runtime computes it.
    @Test(arguments: ["mpnet", "mpnet-classifier", "t5", "t5-gated"]) func sitesOfAllRuns(name: String) throws {
        let fixture = try FixtureModel("../relative/\(name)")
        let (graph, outputs) = try fixture.model.graph()
        #expect(graph.verify() == [])
        let sites = Dictionary(graph.sites.map { ("\($0.id)", $0.value) }) { first, _ in first }
        var wanted = fixture.expected.tensors.map(\.name).compactMap { name in sites[name].map { (name, $0) } }
        #expect(wanted.count >= (name.hasPrefix("t5") ? 45 : 20))
        if let logits = outputs.logits { wanted.append(("logits", logits)) }
        var batch = FixtureBatch(fixture.cases.sequences)
        struct Encoder: Decodable { var encoder: [[Int32]]? }
        if let encoder = try FixtureModel.decoded(Encoder.self, "relative/\(name)/cases.json").encoder {
            for (name, indices) in FixtureBatch(encoder).inputs {
                batch.inputs[name.replacingOccurrences(of: "base.", with: "encoder.")] = indices
            }
        }
        let exact = try batch.evaluate(graph, wanted.map(\.1), of: fixture.model)
        let executed = try batch.execute(graph, wanted.map(\.1), of: fixture.model)
        for (place, (name, _)) in wanted.enumerated() {
            let reference = try fixture.expected.tensor(name).floats()
            #expect(relativeError(exact[place].values, reference) < 1e-5, "\(name)")
            #expect(relativeError(executed[place].map(Double.init), reference) < 1e-5, "\(name)")
        }
    }

    @Test func theEncoderOfAT5IsARunOfItsOwn() throws {
        let model = try FixtureModel("../relative/t5").model
        let sites = try model.describe().sites
        let cross = sites.filter { $0.rows == "cross_pairs" }
        #expect(cross.map(\.component) == ["cross_attention_scores", "cross_attention_pattern"])
        #expect(cross.map(\.layers) == [0...2, 0...2])
        let outputs = sites.filter { $0.component.hasSuffix("block_output") }
        #expect(outputs.map(\.component) == ["encoder:block_output", "block_output"])
        #expect(outputs.map(\.layers) == [0...1, 0...2])
        #expect(outputs.map(\.modulePath) == ["encoder.block[%s].output", "decoder.block[%s].output"])
        #expect(RunInputs(run: "clean").encoder.run == "clean.encoder")
        let runs = model.architecture.decoderRuns(among: ["clean.encoder", "clean", "encoder", "other"])
        #expect(runs == ["clean", "base", "other"])
    }
}
