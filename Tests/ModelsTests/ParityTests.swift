import Checkpoints
import Foundation
import Graph
import Models
import Testing

/// Logits and sites against transformers on tiny seeded models, in Float64: what differs is the graph.
@Suite struct ParityTests {
    static let names = [
        "llama", "llama-bf16", "llama-f16", "llama-sharded", "llama-biased-wide-heads", "llama-linear-rope",
        "llama-yarn-rope", "llama3-rope-scaling", "smollm2-like", "mistral", "qwen2", "qwen2-sliding", "gpt2",
        "gpt2-unprefixed", "qwen3", "qwen3-sliding", "gemma", "gemma2", "gemma3", "olmo", "olmo2", "olmoe",
        "olmoe-unnormed", "phi3",
        "phi3-longrope", "gpt-neo", "gpt-neox", "gpt-neox-sequential", "bert",
        "bert-regression", "roberta", "roberta-regression",
    ]

    @Test(arguments: names) func logitsAndSites(name: String) throws {
        let fixture = try FixtureModel(name)
        let (graph, outputs) = try fixture.model.graph()
        #expect(graph.verify() == [])
        // Fixture names of sites that are not declared as sites, or under another name.
        let renamed = ["final_norm": "final_norm_output"]
        var wanted: [(name: String, value: ValueID)] = [("logits", try #require(outputs.logits))]
        for tensor in fixture.expected.tensors.map(\.name) {
            if tensor.contains("[") {
                // A module by its path.
                wanted.append((tensor, try #require(graph.site(atPath: tensor, run: "base"), "\(tensor)").value))
                continue
            }
            let parts = tensor.split(separator: ".").map(String.init)
            let component = Component(rawValue: renamed[parts[0]] ?? parts[0])
            let layer = parts.count > 1 ? Int(parts[1]) : nil
            if let site = graph.site(SiteID(component, layer: layer)), component != .logits {
                wanted.append((tensor, site.value))
            }
        }
        #expect(wanted.count >= fixture.model.sizes.layers + 2)
        let values = try fixture.batch.evaluate(graph, wanted.map(\.value), of: fixture.model)
        for (wanted, value) in zip(wanted, values) {
            let reference = try fixture.expected.tensor(wanted.name).floats()
            let error = relativeError(value.values, reference)
            let isRounded = name == "llama-bf16" || name == "llama-f16"
            // Those two were computed with rotary frequencies rounded like the weights; opening the folder in
            // transformers as f32 gives ours.
            withKnownIssue(isIntermittent: true) {
                #expect(error < 1e-5, "\(wanted.name) of \(name)")
            } when: {
                isRounded && error < 1e-3
            }
        }
    }

    @Test(arguments: ["llama", "gpt2"]) func logitsOfDemandedRowsOnly(name: String) throws {
        let fixture = try FixtureModel(name)
        let (graph, outputs) = try fixture.model.graph()
        let logits = try #require(outputs.logits)
        let all = try fixture.batch.evaluate(graph, [logits], of: fixture.model)[0]
        let batch = FixtureBatch(fixture.cases.sequences, demanding: [4, 25])
        let some = try batch.evaluate(graph, [logits], of: fixture.model)[0]
        #expect(some.rows == 2)
        #expect(some.row(0) == all.row(4))
        #expect(some.row(1) == all.row(25))
    }
}
