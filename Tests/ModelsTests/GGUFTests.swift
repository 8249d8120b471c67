import Checkpoints
import Foundation
import Graph
import Models
import Testing

/// GGUF files that the `gguf` package wrote from the seeded models (Tests/Reference/models/make_gguf.py).
@Suite struct GGUFTests {
    static func file(_ name: String) -> URL { FixtureModel.fixtures.appendingPathComponent("gguf/\(name).gguf") }

    @Test(arguments: [
        "llama-biased-wide-heads", "llama3-rope-scaling", "qwen2", "gpt2", "qwen3", "gemma", "gemma2", "olmo", "olmo2",
        "phi3-longrope", "gpt-neox", "olmoe-unnormed",
    ])
    func sameLogitsAndFingerprintAsTheFolder(name: String) throws {
        let fixture = try FixtureModel(name)
        let model = try Model(.gguf(Self.file(name)))
        #expect(model.sizes.headSize == fixture.model.sizes.headSize)
        #expect(model.sizes.positionLimit == fixture.model.sizes.positionLimit)
        let (graph, outputs) = try model.graph()
        let logits = try fixture.batch.evaluate(graph, [try #require(outputs.logits)], of: model)[0]
        #expect(relativeError(logits.values, try fixture.expected.tensor("logits").floats()) < 1e-5)
        guard name.hasPrefix("gemma") else {
            #expect(try model.fingerprint() == fixture.model.fingerprint())
            return
        }
        // 1 added to the norms' weights and subtracted again: rounded.
        switch try fixture.model.fingerprint().compare(with: model.fingerprint()) {
        case .otherWeights(let error): #expect(error < 1e-7)
        case let other: Issue.record("\(other)")
        }
    }

    @Test func quantisedTensorsAreThoseOfTransformers() throws {
        let fixture = try FixtureModel("llama")
        let model = try Model(.gguf(Self.file("llama-quantised")))
        let description = try model.describe()
        #expect(Set(description.storage.keys) == ["F32", "F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_1", "Q4_0"])
        let (graph, outputs) = try model.graph()
        let logits = try fixture.batch.evaluate(graph, [try #require(outputs.logits)], of: model)[0]
        let reference = try Checkpoint(
            at: FixtureModel.fixtures.appendingPathComponent("gguf/llama-quantised.safetensors"))
        #expect(relativeError(logits.values, try reference.tensor("logits").floats()) < 1e-5)
        switch try fixture.model.fingerprint().compare(with: model.fingerprint()) {
        case .otherStorage(let error): #expect(error > 0 && error < 0.1)
        case let other: Issue.record("\(other)")
        }
    }

    @Test func queryRowsAreReorderedInTheirStorageType() throws {
        let model = try Model(.gguf(Self.file("llama-quantised")))
        let name = "model.layers.0.self_attn.q_proj.weight"
        let (weight, stored) = (
            try model.weights.weight(named: name), try model.weights.checkpoint.tensor("blk.0.attn_q.weight")
        )
        #expect(weight.storage == stored.type)
        let floats = UnsafeBufferPointer(start: try weight.floats(), count: weight.count)
        // Heads of 8 rows: row 1 is the second pair's first half, row 4 the first pair's second half.
        let rows = stored.floats()
        #expect(Array(floats[32..<64]) == Array(rows[2 * 32..<3 * 32]))
        #expect(Array(floats[4 * 32..<5 * 32]) == Array(rows[32..<64]))
    }

    @Test func modelWithoutTokenizer() throws {
        let model = try Model(.gguf(Self.file("qwen2")))
        #expect(model.tokenizer == nil)
        #expect(throws: (any Error).self) { try model.requiredTokenizer() }
    }
}

/// GGUF metadata that must be refused, in files written here.
@Suite struct GGUFRefusalTests {
    let sizes: [(key: String, value: GGUFValue)] = [
        ("general.architecture", .string("llama")), ("llama.block_count", .uint32(1)),
        ("llama.embedding_length", .uint32(8)), ("llama.feed_forward_length", .uint32(16)),
        ("llama.attention.head_count", .uint32(2)), ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ("llama.vocab_size", .uint32(12)),
    ]

    private func message(_ metadata: [(key: String, value: GGUFValue)], _ tensors: [NamedTensor] = []) throws -> String
    {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("m.gguf")
            try GGUFWriter.write(metadata: metadata, tensors: tensors, to: file)
            do {
                _ = try Model(.gguf(file))
                return "opened"
            } catch {
                return "\(error)".replacingOccurrences(of: folder.path, with: "")
            }
        }
    }

    static let architectures = "gemma, gemma2, gemma3, gpt2, gptneox, llama, olmo, olmo2, olmoe, phi3, qwen2, qwen3"

    @Test func unknownArchitecture() throws {
        #expect(
            try message([("general.architecture", .string("mamba"))])
                == "/m.gguf: models of type \"mamba\" are not supported; supported are \(Self.architectures)")
        #expect(
            try message([("general.architecture", .string("lama"))])
                == "/m.gguf: models of type \"lama\" are not supported; supported are \(Self.architectures); "
                + "did you mean llama?")
        #expect(
            try message([])
                == "/m.gguf: \"general.architecture\" is missing: the name of an architecture is needed")
    }

    @Test func metadataThatChangesTheComputation() throws {
        #expect(
            try message(
                sizes + [
                    ("llama.expert_count", .uint32(8)), ("llama.logit_scale", .float32(0.5)),
                    ("llama.rope.dimension_count", .uint32(2)), ("llama.rope.scaling.type", .string("longrope")),
                ]) == """
                    /m.gguf: 4 problems
                      "llama.rope.scaling.type" is "longrope": allowed are "default", "linear", "llama3", "yarn", "gguf_divisors"
                      "llama.expert_count" is 8: this key is not understood and may change the computation
                      "llama.logit_scale" is 0.5: this key is not understood and may change the computation
                      "llama.rope.dimension_count" is 2: this key is not understood and may change the computation
                    """)
    }

    @Test func sizesUnderTheFilesOwnKeys() throws {
        let broken = sizes.map { $0.key == "llama.block_count" ? ($0.key, .int32(-3)) : $0 }
        #expect(
            try message(broken)
                == "/m.gguf: \"llama.block_count\" is -3: allowed are whole numbers from 1 to 4096")
    }

    @Test func moreLayersThanTensors() throws {
        let many = sizes.map { $0.key == "llama.block_count" ? ($0.key, .uint32(4000)) : $0 }
        #expect(
            try message(many)
                == "/m.gguf: \"number of layers\" is 4000: the checkpoint has only 0 tensors")
    }

    @Test func partOfASplitFile() throws {
        #expect(
            try message(sizes + [("split.count", .uint16(3))])
                == "/m.gguf is not a model: it is one of 3 parts; join them first (llama-gguf-split --merge)")
    }

    @Test func missingAndMisshapenTensors() throws {
        let tensors = try [
            NamedTensor("token_embd.weight", shape: [12, 8], floats: .init(repeating: 0, count: 96)),
            NamedTensor("output_norm.weigth", shape: [8], floats: .init(repeating: 0, count: 8)),
            NamedTensor("blk.0.attn_q.weight", shape: [4, 8], floats: .init(repeating: 0, count: 32)),
            NamedTensor("blk.0.attn_norm.weight", shape: [8], integers: .init(repeating: 0, count: 8), as: .i32),
        ]
        let text = try message(sizes, tensors)
        #expect(text.hasPrefix("/m.gguf: 10 problems\n"))
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(
            lines.contains(
                "tensor blk.0.attn_q.weight (model.layers.0.self_attn.q_proj.weight) has shape [4, 8], "
                    + "the configuration needs [8, 8]"))
        #expect(
            lines.contains(
                "tensor output_norm.weight (model.norm.weight) [8] is missing; did you mean output_norm.weigth?"))
        #expect(
            lines.contains(
                "tensor blk.0.attn_norm.weight (model.layers.0.input_layernorm.weight) holds whole numbers (I32), "
                    + "real ones are needed"))
    }
}
