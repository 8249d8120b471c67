import Checkpoints
import Foundation
import Models
import Testing

/// Finding models, and checkpoints that do not fit their configuration.
@Suite struct OpeningTests {
    private func message(_ given: String, environment: [String: String] = ["HF_HOME": "/nonexistent"]) -> String {
        do {
            return "\(try ModelLocation(given, environment: environment))"
        } catch {
            return "\(error)"
        }
    }

    @Test func folderFileAndWrongPath() throws {
        let folder = FixtureModel.folder("llama")
        let environment = ["HF_HOME": "/nonexistent"]
        #expect(try ModelLocation(folder.path, environment: environment).url.path == folder.path)
        let gguf = GGUFTests.file("qwen2")
        #expect(try ModelLocation(gguf.path, environment: environment) == .gguf(URL(fileURLWithPath: gguf.path)))
        let config = folder.appendingPathComponent("config.json").path
        #expect(message(config) == "\(config) is not a model: name its folder, \(folder.path), instead")
        let readme = FixtureModel.fixtures.appendingPathComponent("README.md").path
        #expect(message(readme) == "\(readme) is not a model: a file must be in the GGUF format")
        let models = FixtureModel.fixtures.appendingPathComponent("models").path
        #expect(message(models) == "\(models) is not a model: it holds neither config.json nor a GGUF file")
        #expect(
            message("\(models)/lama") == """
                no model at "\(models)/lama"; looked for \(models)/lama
                Nearest: \(models)/llama
                A model is a Hugging Face folder, a repository in the local Hugging Face cache, or a GGUF file.
                """)
    }

    @Test func repositoryInTheCache() throws {
        try withTemporaryFolder { home in
            let repository = home.appendingPathComponent("hub/models--org--tiny")
            let snapshot = repository.appendingPathComponent("snapshots/abc123")
            try FileManager.default.createDirectory(
                at: repository.appendingPathComponent("refs"), withIntermediateDirectories: true)
            let environment = ["HF_HOME": home.path]
            #expect(
                message("org/tiny", environment: environment)
                    == "\(repository.path) is not a model: the cache has no snapshot of it; download it again")
            try FileManager.default.createDirectory(at: snapshot, withIntermediateDirectories: true)
            try Data("abc123\n".utf8).write(to: repository.appendingPathComponent("refs/main"))
            try Data("{}".utf8).write(to: snapshot.appendingPathComponent("config.json"))
            #expect(try ModelLocation("org/tiny", environment: environment).url.path == snapshot.path)
            #expect(try ModelLocation("tiny", environment: environment).url.path == snapshot.path)
            let wrong = message("org/tinny", environment: environment)
            #expect(wrong.contains("models--org--tinny\nNearest: org/tiny\n"))
            // The cache's own variable goes first.
            let other = ["HF_HOME": "/nonexistent", "HF_HUB_CACHE": home.appendingPathComponent("hub").path]
            #expect(try ModelLocation("org/tiny", environment: other).url.path == snapshot.path)
        }
    }

    @Test func folderWhoseOnlyWeightsAreAGGUFFile() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("m.gguf")
            try FileManager.default.copyItem(at: GGUFTests.file("qwen2"), to: file)
            try Data("{}".utf8).write(to: folder.appendingPathComponent("config.json"))
            #expect(try ModelLocation(folder.path).url.path == file.path)
            try Data("GGUF".utf8).write(to: folder.appendingPathComponent("n.gguf"))
            try FileManager.default.removeItem(at: folder.appendingPathComponent("config.json"))
            #expect(
                message(folder.path)
                    == "\(folder.path) is not a model: it holds several GGUF files; name one of m.gguf, n.gguf")
        }
    }

    /// Copies a fixture, changes it and gives what opening says.
    private func opening(
        _ name: String, configuration change: (inout [String: Any]) -> Void = { _ in },
        tensors rename: (NamedTensor, StoredTensor) throws -> NamedTensor? = { tensor, _ in tensor }
    ) throws -> String {
        try withTemporaryFolder { folder in
            let source = FixtureModel.folder(name)
            let text = try Data(contentsOf: source.appendingPathComponent("config.json"))
            var values = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
            change(&values)
            try JSONSerialization.data(withJSONObject: values).write(to: folder.appendingPathComponent("config.json"))
            let tensors = try Checkpoint(at: source).tensors.compactMap { try rename(NamedTensor($0), $0) }
            try SafetensorsWriter.write(tensors, to: folder.appendingPathComponent("model.safetensors"))
            do {
                let model = try Model(.folder(folder))
                for name in Set(tensors.map(\.name)) { _ = try? model.weights.weight(named: name) }
                return "opened"
            } catch {
                return "\(error)".replacingOccurrences(of: folder.path, with: "")
            }
        }
    }

    @Test func everyMissingAndMisshapenTensorAtOnce() throws {
        let text = try opening(
            "llama", configuration: { $0["intermediate_size"] = 40 },
            tensors: { tensor, stored in stored.name == "model.norm.weight" ? nil : tensor })
        #expect(
            text == """
                : 7 problems
                  tensor model.layers.0.mlp.gate_proj.weight has shape [48, 32], the configuration needs [40, 32]
                  tensor model.layers.0.mlp.up_proj.weight has shape [48, 32], the configuration needs [40, 32]
                  tensor model.layers.0.mlp.down_proj.weight has shape [32, 48], the configuration needs [32, 40]
                  tensor model.layers.1.mlp.gate_proj.weight has shape [48, 32], the configuration needs [40, 32]
                  tensor model.layers.1.mlp.up_proj.weight has shape [48, 32], the configuration needs [40, 32]
                  tensor model.layers.1.mlp.down_proj.weight has shape [32, 48], the configuration needs [32, 40]
                  tensor model.norm.weight [32] is missing
                """)
    }

    @Test func untiedHeadThatIsNotThere() throws {
        #expect(
            try opening("llama", configuration: { $0["tie_word_embeddings"] = false })
                == ": tensor lm_head.weight [96, 32] is missing")
    }

    @Test func positionTableOfRoBERTa() throws {
        #expect(
            try opening("roberta", configuration: { $0["max_position_embeddings"] = 41 })
                == ": tensor roberta.embeddings.position_embeddings.weight has shape [40, 32], "
                + "the configuration needs [41, 32]")
    }

    @Test(arguments: ["gpt2", "bert", "llama"]) func namesWithoutTheBody(name: String) throws {
        let bodies = ["gpt2": "transformer.", "bert": "bert.", "llama": "model."]
        let body = try #require(bodies[name])
        let text = try opening(
            name,
            tensors: { _, stored in
                let name = stored.name
                return NamedTensor(stored.renamed(name.hasPrefix(body) ? String(name.dropFirst(body.count)) : name))
            })
        #expect(text == "opened")
    }

    @Test func olderNamesOfNormsAndTensorsThatNobodyReads() throws {
        let text = try opening(
            "bert",
            tensors: { _, stored in
                let name = stored.name.replacingOccurrences(of: "LayerNorm.weight", with: "LayerNorm.gamma")
                    .replacingOccurrences(of: "LayerNorm.bias", with: "LayerNorm.beta")
                return NamedTensor(stored.renamed(name))
            })
        #expect(text == "opened")
    }

    @Test func unknownWeight() throws {
        let fixture = try FixtureModel("llama")
        #expect {
            try fixture.model.weights.weight(named: "model.norm.wieght")
        } throws: { error in
            "\(error)" == "\(fixture.folder.path) has no tensor model.norm.wieght; did you mean model.norm.weight?"
        }
    }

    @Test func weightsAreMadeOnceAndUsedInPlace() throws {
        let model = try FixtureModel("llama").model
        let weight = try model.weights.weight(named: "model.embed_tokens.weight")
        #expect(weight === (try model.weights.weight(named: "model.embed_tokens.weight")))
        let inFile = try model.weights.checkpoint.tensor("model.embed_tokens.weight").withUnsafeBytes { $0.baseAddress }
        #expect(UnsafeRawPointer(try weight.floats()) == inFile)
    }

    @Test func descriptionOfASmallModel() throws {
        let description = try FixtureModel("llama-bf16").model.describe()
        #expect(description.kind == "causal language model")
        #expect(description.parameterCount == 20_640)
        #expect(description.storage == ["BF16": 20_640])
        #expect(description.sizes.layers == 2)
        let site = try #require(description.sites.first { $0.component == "mlp_output" })
        #expect(site.layers == 0...1)
        #expect(site.modulePath == "model.layers[%s].mlp.output")
        #expect(
            try Model(.folder(FixtureModel.folder("../relative/t5"))).describe().kind
                == "encoder-decoder language model")
    }

    @Test func endTokens() throws {
        #expect(try FixtureModel("llama").model.endTokens == [2])
        try withTemporaryFolder { folder in
            let source = FixtureModel.folder("llama")
            for name in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    at: source.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            try Data("{\"eos_token_id\": [5, 7, 100000]}".utf8)
                .write(to: folder.appendingPathComponent("generation_config.json"))
            let tokens = try Model(.folder(folder)).endTokens
            #expect(tokens == [5, 7])
        }
    }

    @Test func classifierNamesItsLabels() throws {
        #expect(try FixtureModel("bert").model.kind == .sequenceClassifier(labels: ["LABEL_0", "LABEL_1", "LABEL_2"]))
        #expect(try FixtureModel("roberta").model.kind == .sequenceClassifier(labels: ["LABEL_0", "LABEL_1"]))
        #expect(try FixtureModel("roberta-regression").model.kind.predictsNumbers)
    }
}
