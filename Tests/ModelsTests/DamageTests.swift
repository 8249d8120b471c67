import Foundation
import Graph
import Models
import Testing

/// Damaged and odd input ends in an error or in a model, never in a crash.
@Suite struct DamageTests {
    /// A small generator with a fixed seed, so that every run sees the same damage.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33 | state << 31
        }
    }

    @Test(arguments: [
        ConfigurationTests.llama, ConfigurationTests.mistral, ConfigurationTests.qwen2, ConfigurationTests.gpt2,
        ConfigurationTests.bert,
    ]) func oddValueOfEveryKey(base: [String: ConfigurationValue]) {
        let odd: [ConfigurationValue] = [
            .integer(0), .integer(-1), .integer(.max), .integer(.min), .integer(16_777_216), .integer(3),
            .number(1e308), .number(0.5), .text(""), .flag(true), .list([.null]), .object([:]), .null,
        ]
        let further = [
            "head_dim", "num_key_value_heads", "rope_theta", "rms_norm_eps", "pad_token_id", "n_inner", "id2label",
            "max_position_embeddings", "sliding_window", "layer_types", "rope_scaling", "architectures", "num_labels",
        ]
        for key in Set(base.keys).union(further).sorted() where key != "num_hidden_layers" && key != "n_layer" {
            for value in odd {
                let configuration = ModelConfiguration(base.merging([key: value]) { $1 }, source: "config.json")
                guard let family = try? ArchitectureRegistry.standard.architecture(for: configuration) else { continue }
                let problems = (try? buildGraph(family))?.verify()
                #expect(problems == [], "\(key) = \(value)")
            }
        }
    }

    @Test func flippedBitsInTheHeadOfAGGUFFile() throws {
        let bytes = try Data(contentsOf: GGUFTests.file("qwen2"))
        var (generator, opened) = (Generator(state: 7), 0)
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("m.gguf")
            for _ in 0..<150 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    let place = Int.random(in: 0..<2_600, using: &generator)
                    damaged[damaged.startIndex + place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
                try damaged.write(to: file)
                guard let model = try? Model(.gguf(file)) else { continue }
                opened += 1
                _ = try? model.describe()
                _ = try? model.fingerprint()
            }
        }
        // Some flips only change names or numbers that are not judged: those files must open.
        #expect(opened > 5 && opened < 145)
    }

    @Test func flippedBitsInAConfiguration() throws {
        let source = FixtureModel.folder("qwen2")
        let bytes = try Data(contentsOf: source.appendingPathComponent("config.json"))
        var generator = Generator(state: 11)
        try withTemporaryFolder { folder in
            try FileManager.default.copyItem(
                at: source.appendingPathComponent("model.safetensors"),
                to: folder.appendingPathComponent("model.safetensors"))
            for _ in 0..<150 {
                var damaged = bytes
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                damaged[damaged.startIndex + place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                try damaged.write(to: folder.appendingPathComponent("config.json"))
                guard let model = try? Model(.folder(folder)) else { continue }
                #expect(try model.graph().graph.verify() == [])
            }
        }
    }
}
