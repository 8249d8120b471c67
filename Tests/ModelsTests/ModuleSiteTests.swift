import Graph
import Models
import Testing

/// Every module with tensors can be meant by its path, at no cost while nobody does.
@Suite struct ModuleSiteTests {
    private func paths(_ architecture: any ModelArchitecture) throws -> [String] {
        try buildGraph(architecture).moduleSites.map { site in
            "\(site.modulePath) \(site.width)" + (site.rowSpace == .tokens ? "" : " \(site.rowSpace)")
        }
    }

    private func family(_ base: [String: ConfigurationValue]) throws -> any ModelArchitecture {
        let small = base.merging(["num_hidden_layers": .integer(1), "n_layer": .integer(1)]) { $1 }
            .filter { base[$0.key] != nil }
        return try ArchitectureRegistry.standard.architecture(
            for: ModelConfiguration(small, source: "config.json"))
    }

    @Test func modulesOfLlama() throws {
        #expect(
            try paths(family(ConfigurationTests.llama)) == [
                "model.embed_tokens.output 32",
                "model.layers[0].input_layernorm.input 32", "model.layers[0].input_layernorm.output 32",
                "model.layers[0].self_attn.q_proj.input 32", "model.layers[0].self_attn.q_proj.output 32",
                "model.layers[0].self_attn.k_proj.input 32", "model.layers[0].self_attn.k_proj.output 32",
                "model.layers[0].self_attn.v_proj.input 32", "model.layers[0].self_attn.v_proj.output 32",
                "model.layers[0].self_attn.o_proj.input 32", "model.layers[0].self_attn.o_proj.output 32",
                "model.layers[0].post_attention_layernorm.input 32",
                "model.layers[0].post_attention_layernorm.output 32",
                "model.layers[0].mlp.gate_proj.input 32", "model.layers[0].mlp.gate_proj.output 48",
                "model.layers[0].mlp.up_proj.input 32", "model.layers[0].mlp.up_proj.output 48",
                "model.layers[0].mlp.down_proj.input 48", "model.layers[0].mlp.down_proj.output 32",
                "model.norm.input 32 demanded", "model.norm.output 32 demanded", "lm_head.input 32 demanded",
                "lm_head.output 96 demanded",
            ])
    }

    @Test func modulesOfGPT2AndBERT() throws {
        let gpt2 = try paths(family(ConfigurationTests.gpt2))
        for path in ["wte.output 32", "wpe.output 32", "h[0].ln_2.input 32", "h[0].mlp.c_fc.output 128"] {
            #expect(gpt2.contains("transformer.\(path)"))
        }
        let bert = try paths(family(ConfigurationTests.bert))
        for path in [
            "embeddings.token_type_embeddings.output 32", "embeddings.LayerNorm.input 32",
            "encoder.layer[0].output.LayerNorm.output 32", "pooler.dense.output 32 sequences",
        ] { #expect(bert.contains("bert.\(path)")) }
        #expect(bert.contains("classifier.input 32 sequences"))
    }

    @Test func pathsAreFoundAsPythonAndCheckpointsSpellThem() throws {
        let graph = try buildGraph(family(ConfigurationTests.llama))
        func found(_ path: String) -> String? { graph.site(atPath: path, run: "base").map { "\($0.id)" } }
        #expect(found("model.layers[0].mlp.gate_proj.output") == "mlp.gate_proj.output.0")
        #expect(found("model.layers.0.mlp.gate_proj") == "mlp.gate_proj.output.0")
        #expect(found("gate_proj.output") == "mlp.gate_proj.output.0")
        // A component's name comes first.
        #expect(found("layers.0.self_attn.q_proj") == "query_output.0")
        #expect(found("model.layers[0].mlp.down_proj.output") == "mlp.down_proj.output.0")
        #expect(found("lm_head") == "logits")
        #expect(found("model.layers[1].mlp.gate_proj.output") == nil)
    }

    @Test func sameValuesUnderTwoNames() throws {
        let graph = try buildGraph(family(ConfigurationTests.llama))
        let norm = graph.site(atPath: "input_layernorm.output", run: "base")
        #expect(norm?.value == graph.site(SiteID(.attentionInput, layer: 0))?.value)
        let output = graph.site(atPath: "self_attn.o_proj.output", run: "base")
        #expect(output?.value == graph.site(SiteID(.attentionOutput, layer: 0))?.value)
        #expect(output?.moduleInput == graph.site(SiteID(.attentionValueOutput, layer: 0))?.value)
    }

    @Test func fusionSeesThroughModules() throws {
        func names(_ base: [String: ConfigurationValue]) throws -> [String] {
            let architecture = try family(base)
            let builder = GraphBuilder()
            let outputs = architecture.build(builder, inputs: RunInputs(), options: BuildOptions())
            return try builder.finish().fusing(keeping: [outputs.logits].compactMap { $0 }).graph.nodes.map {
                $0.operation.name
            }
        }
        let llama = try names(ConfigurationTests.llama)
        #expect(llama.contains("gated.silu") && !llama.contains("silu"))
        // The two additions that stay are residual sums, and that of the position embedding.
        #expect(try names(ConfigurationTests.gpt2).filter { $0 == "add" }.count == 3)
    }
}
