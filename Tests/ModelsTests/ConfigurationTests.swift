import Foundation
import Models
import Testing

/// Configurations that must be refused, with the whole text of the error, and keys that must not matter.
@Suite struct ConfigurationTests {
    static let llama: [String: ConfigurationValue] = [
        "model_type": .text("llama"), "architectures": .list([.text("LlamaForCausalLM")]), "hidden_size": .integer(32),
        "intermediate_size": .integer(48), "num_attention_heads": .integer(4), "num_hidden_layers": .integer(2),
        "vocab_size": .integer(96),
    ]
    static let mistral = llama.merging([
        "model_type": .text("mistral"), "architectures": .list([.text("MistralForCausalLM")]),
    ]) { $1 }
    static let qwen2 = llama.merging([
        "model_type": .text("qwen2"), "architectures": .list([.text("Qwen2ForCausalLM")]),
    ]) { $1 }
    static let gpt2: [String: ConfigurationValue] = [
        "model_type": .text("gpt2"), "n_embd": .integer(32), "n_head": .integer(4), "n_layer": .integer(2),
        "n_positions": .integer(64), "vocab_size": .integer(96),
    ]
    static let bert: [String: ConfigurationValue] = [
        "model_type": .text("bert"), "architectures": .list([.text("BertForSequenceClassification")]),
        "hidden_size": .integer(32), "intermediate_size": .integer(48), "num_attention_heads": .integer(4),
        "num_hidden_layers": .integer(2), "vocab_size": .integer(96), "max_position_embeddings": .integer(40),
    ]

    private func message(
        _ base: [String: ConfigurationValue], _ changes: [String: ConfigurationValue] = [:], without key: String? = nil
    ) -> String {
        var values = base.merging(changes) { $1 }
        if let key { values[key] = nil }
        do {
            _ = try ArchitectureRegistry.standard.architecture(
                for: ModelConfiguration(values, source: "config.json"))
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [llama, mistral, qwen2, gpt2, bert]) func smallestConfiguration(
        values: [String: ConfigurationValue]
    ) {
        #expect(message(values) == "accepted")
    }

    static let families =
        "llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3_text, olmo, olmo2, olmoe, phi3, gpt2, gpt_neo, gpt_neox, "
        + "bert, roberta, distilbert, electra, esm, mpnet, t5"

    @Test func unknownFamily() {
        #expect(
            message(Self.llama, ["model_type": .text("gpt_2")])
                == "config.json: models of type \"gpt_2\" are not supported; supported are "
                + "\(Self.families); did you mean gpt2?")
        #expect(
            message(Self.llama, ["model_type": .text("mamba")])
                == "config.json: models of type \"mamba\" are not supported; supported are "
                + Self.families)
        #expect(
            message(Self.llama, without: "model_type")
                == "config.json: \"model_type\" is missing: one of \(Self.families) is needed"
        )
    }

    @Test func multimodalModel() {
        #expect(
            message(Self.llama, ["model_type": .text("gemma3")])
                == "config.json: \"model_type\" is \"gemma3\": the multimodal Gemma 3 is not supported; "
                + "its text models are, of type \"gemma3_text\"")
    }

    @Test func missingAndWrongSizesAllAtOnce() {
        #expect(
            message(
                Self.llama,
                ["num_hidden_layers": .integer(0), "num_key_value_heads": .integer(3), "vocab_size": .text("96")],
                without: "hidden_size") == """
                    config.json: 4 problems
                      "hidden_size" is missing: a whole number is needed
                      "num_hidden_layers" is 0: allowed are whole numbers from 1 to 4096
                      "num_key_value_heads" is 3: "num_attention_heads", 4, must be a multiple of it
                      "vocab_size" is "96": allowed are whole numbers from 1 to 16777216
                    """)
    }

    @Test func headsThatDoNotFillTheWidth() {
        #expect(
            message(Self.llama, ["num_attention_heads": .integer(5), "num_key_value_heads": .integer(5)])
                == "config.json: \"head_dim\" is missing: 32 columns in 5 heads need an even size of a head")
        #expect(
            message(Self.gpt2, ["n_head": .integer(5)])
                == "config.json: \"n_head\" is 5: \"n_embd\", 32, must be a multiple of it")
    }

    @Test func activation() {
        #expect(
            message(Self.llama, ["hidden_act": .text("laplace")])
                == "config.json: \"hidden_act\" is \"laplace\": allowed are \"silu\", \"swish\", \"gelu\", "
                + "\"gelu_new\", \"gelu_pytorch_tanh\", \"gelu_fast\", \"quick_gelu\", \"relu\", \"tanh\", \"sigmoid\"")
    }

    @Test func rotaryScaling() {
        #expect(
            message(
                Self.llama,
                ["rope_scaling": .object(["type": .text("dynamic"), "factor": .number(2), "alpha": .number(1)])])
                == "config.json: \"rope_scaling.type\" is \"dynamic\": allowed are \"default\", \"linear\", "
                + "\"llama3\", \"yarn\", \"gguf_divisors\"")
        #expect(
            message(Self.llama, ["rope_scaling": .object(["rope_type": .text("llama3"), "faktor": .number(2)])]) == """
                config.json: 5 problems
                  "rope_scaling.factor" is missing: a number above 0 is needed
                  "rope_scaling.low_freq_factor" is missing: a number above 0 is needed
                  "rope_scaling.high_freq_factor" is missing: a number above 0 is needed
                  "rope_scaling.original_max_position_embeddings" is missing: a whole number is needed
                  "rope_scaling.faktor" is 2.0: this key is not understood and may change the computation; \
                did you mean "rope_scaling.factor"?
                """)
        #expect(
            message(Self.llama, ["rope_scaling": .list([])])
                == "config.json: \"rope_scaling\" is []: an object is needed")
    }

    @Test func quantisedHuggingFaceCheckpoint() {
        #expect(
            message(Self.llama, ["quantization_config": .object(["bits": .integer(4)])])
                == "config.json: \"quantization_config\" is {\"bits\": …}: "
                + "quantised Hugging Face checkpoints are not supported; use a GGUF file")
    }

    @Test func unknownKeysAreRefusedUnlessNullOrHarmless() {
        #expect(
            message(Self.llama, ["residual_multiplier": .number(0.2)])
                == "config.json: \"residual_multiplier\" is 0.2: this key is not understood and may change the computation"
        )
        #expect(
            message(Self.llama, ["sliding_window": .integer(4)])
                == "config.json: \"sliding_window\" is 4: this key is not understood and may change the computation")
        #expect(
            message(
                Self.llama,
                [
                    "residual_multiplier": .null, "_flash": .flag(true), "temperature": .number(0.6),
                    "attention_dropout": .number(0.1), "transformers.js_config": .object([:]),
                    "rope_interleaved": .flag(false), "pretraining_tp": .integer(1),
                ]) == "accepted")
    }

    @Test func windows() {
        #expect(
            message(Self.qwen2, ["layer_types": .list([.text("full_attention"), .text("chunked_attention")])])
                == "config.json: \"layer_types\" is [\"full_attention\", \"chunked_attention\"]: "
                + "2 times \"full_attention\" or \"sliding_attention\" are needed")
        #expect(
            message(Self.mistral, ["sliding_window": .integer(0)])
                == "config.json: \"sliding_window\" is 0: allowed are whole numbers from 1 to 1073741824")
    }

    @Test func headsOfEncoders() {
        #expect(
            message(Self.bert, ["architectures": .list([.text("BertForTokenClassification")])])
                == "config.json: \"architectures\" is [\"BertForTokenClassification\"]: supported are "
                + "BertForSequenceClassification, BertModel, BertForMaskedLM")
        #expect(
            message(Self.bert, ["problem_type": .text("multi_label_classification")])
                == "config.json: \"problem_type\" is \"multi_label_classification\": allowed are "
                + "\"single_label_classification\" and \"regression\"")
        #expect(
            message(Self.bert, ["position_embedding_type": .text("relative_key")])
                == "config.json: \"position_embedding_type\" is \"relative_key\": only \"absolute\" is supported")
        #expect(
            message(Self.bert, ["id2label": .object(["0": .text("no"), "2": .text("yes")])])
                == "config.json: \"id2label\" is {\"0\": …, \"2\": …}: "
                + "one name for each class, numbered from \"0\", is needed")
    }

    @Test func laterSpellingOfRotaryParameters() throws {
        let configuration = ModelConfiguration(
            Self.llama.merging([
                "rope_parameters": .object(["rope_type": .text("default"), "rope_theta": .number(500_000)])
            ]) { $1 }, source: "config.json")
        let older = ModelConfiguration(
            Self.llama.merging(["rope_theta": .integer(500_000)]) { $1 }, source: "config.json")
        let graphs = try [configuration, older].map { configuration in
            try buildGraph(Llama(configuration: configuration))
        }
        #expect(graphs[0].constants == graphs[1].constants)
        // 500000^(−2/8)
        #expect(abs(graphs[0].constants[0].values[1] - 0.037606030930863934) < 1e-15)
    }

    @Test func brokenFiles() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("config.json")
            func message(_ text: String) throws -> String {
                try Data(text.utf8).write(to: file)
                do {
                    _ = try ModelConfiguration(contentsOf: file)
                    return "read"
                } catch {
                    return "\(error)".replacingOccurrences(of: folder.path, with: "")
                }
            }
            let (broken, list, empty) = (try message("{\"a\": [1, 2}"), try message("[1]"), try message("{}"))
            #expect(broken.hasPrefix("can not read /config.json: it is not valid JSON: "))
            #expect(list == "can not read /config.json: it is not a JSON object")
            #expect(empty == "read")
        }
    }
}
