import Graph
import Models
import Testing

/// The graph of a family, base run.
func buildGraph(
    _ architecture: any ModelArchitecture, run: String = "base", options: BuildOptions = BuildOptions()
) throws -> ComputationGraph {
    let builder = GraphBuilder()
    _ = architecture.build(builder, inputs: RunInputs(run: run), options: options)
    return try builder.finish()
}

/// Which sites a family declares, with width, heads, rows and Hugging Face path, and what nodes it makes.
@Suite struct SiteTests {
    private func sites(_ graph: ComputationGraph) -> [String] {
        graph.sites.map { site in
            let heads = site.heads.map { " heads \($0)" } ?? ""
            let rows = site.rowSpace == .tokens ? "" : " \(site.rowSpace)"
            return "\(site.id) \(site.width)\(heads)\(rows) \(site.modulePath)"
        }
    }

    private func llama(_ changes: [String: ConfigurationValue] = [:]) throws -> Llama {
        let values = ConfigurationTests.llama.merging([
            "num_hidden_layers": .integer(1), "num_key_value_heads": .integer(2), "head_dim": .integer(12),
        ]) { $1 }.merging(changes) { $1 }
        return try Llama(configuration: ModelConfiguration(values, source: "config.json"))
    }

    @Test func sitesOfLlama() throws {
        let graph = try buildGraph(llama())
        #expect(
            sites(graph) == [
                "embedding 32 model.embed_tokens.output",
                "block_input.0 32 model.layers[0].input",
                "attention_input.0 32 model.layers[0].self_attn.input",
                "query_output.0 48 heads 4 model.layers[0].self_attn.q_proj.output",
                "key_output.0 24 heads 2 model.layers[0].self_attn.k_proj.output",
                "value_output.0 24 heads 2 model.layers[0].self_attn.v_proj.output",
                "attention_scores.0 4 heads 4 pairs model.layers[0].self_attn.scores",
                "attention_pattern.0 4 heads 4 pairs model.layers[0].self_attn.output[1]",
                "attention_value_output.0 48 heads 4 model.layers[0].self_attn.o_proj.input",
                "attention_output.0 32 model.layers[0].self_attn.output",
                "mlp_input.0 32 model.layers[0].mlp.input",
                "mlp_activation.0 48 model.layers[0].mlp.act_fn.output",
                "mlp_output.0 32 model.layers[0].mlp.output",
                "block_output.0 32 model.layers[0].output",
                "final_norm_output 32 demanded model.norm.output",
                "logits 96 demanded lm_head.output",
            ])
    }

    @Test func sitesOfGPT2() throws {
        let values = ConfigurationTests.gpt2.merging(["n_layer": .integer(1)]) { $1 }
        let graph = try buildGraph(GPT2(configuration: ModelConfiguration(values, source: "config.json")))
        #expect(
            sites(graph) == [
                "position_embedding 32 transformer.wpe.output",
                "embedding 32 transformer.drop.output",
                "block_input.0 32 transformer.h[0].input",
                "attention_input.0 32 transformer.h[0].attn.input",
                "query_output.0 32 heads 4 transformer.h[0].attn.c_attn.output[0:32]",
                "key_output.0 32 heads 4 transformer.h[0].attn.c_attn.output[32:64]",
                "value_output.0 32 heads 4 transformer.h[0].attn.c_attn.output[64:96]",
                "attention_scores.0 4 heads 4 pairs transformer.h[0].attn.scores",
                "attention_pattern.0 4 heads 4 pairs transformer.h[0].attn.output[1]",
                "attention_value_output.0 32 heads 4 transformer.h[0].attn.c_proj.input",
                "attention_output.0 32 transformer.h[0].attn.output",
                "mlp_input.0 32 transformer.h[0].mlp.input",
                "mlp_activation.0 128 transformer.h[0].mlp.act.output",
                "mlp_output.0 32 transformer.h[0].mlp.output",
                "block_output.0 32 transformer.h[0].output",
                "final_norm_output 32 demanded transformer.ln_f.output",
                "logits 96 demanded lm_head.output",
            ])
    }

    @Test func sitesOfBERT() throws {
        let values = ConfigurationTests.bert.merging(["num_hidden_layers": .integer(1)]) { $1 }
        let graph = try buildGraph(BERT(configuration: ModelConfiguration(values, source: "config.json")))
        #expect(
            sites(graph) == [
                "position_embedding 32 bert.embeddings.position_embeddings.output",
                "embedding 32 bert.embeddings.output",
                "block_input.0 32 bert.encoder.layer[0].input",
                "attention_input.0 32 bert.encoder.layer[0].attention.input",
                "query_output.0 32 heads 4 bert.encoder.layer[0].attention.self.query.output",
                "key_output.0 32 heads 4 bert.encoder.layer[0].attention.self.key.output",
                "value_output.0 32 heads 4 bert.encoder.layer[0].attention.self.value.output",
                "attention_scores.0 4 heads 4 pairs bert.encoder.layer[0].attention.self.scores",
                "attention_pattern.0 4 heads 4 pairs bert.encoder.layer[0].attention.self.output[1]",
                "attention_value_output.0 32 heads 4 bert.encoder.layer[0].attention.output.dense.input",
                "attention_output.0 32 bert.encoder.layer[0].attention.output.dense.output",
                "mlp_input.0 32 bert.encoder.layer[0].intermediate.input",
                "mlp_activation.0 48 bert.encoder.layer[0].intermediate.output",
                "mlp_output.0 32 bert.encoder.layer[0].output.dense.output",
                "block_output.0 32 bert.encoder.layer[0].output",
                "pooler_output 32 sequences bert.pooler.output",
                "logits 2 sequences classifier.output",
            ])
    }

    @Test func encoderWithoutHeadHasPathsWithoutTheBodysName() throws {
        let values = ConfigurationTests.bert.merging([
            "num_hidden_layers": .integer(1), "architectures": .list([.text("BertModel")]),
        ]) { $1 }
        let encoder = try BERT(configuration: ModelConfiguration(values, source: "config.json"))
        #expect(encoder.kind == .encoder)
        let graph = try buildGraph(encoder)
        #expect(graph.site(SiteID(.blockOutput, layer: 0))?.modulePath == "encoder.layer[0].output")
        #expect(graph.site(SiteID(.logits)) == nil)
    }

    @Test func moduleInputsOfSites() throws {
        let graph = try buildGraph(llama())
        func value(_ component: Component) -> ValueID? { graph.site(SiteID(component, layer: 0))?.value }
        func input(_ component: Component) -> ValueID? { graph.site(SiteID(component, layer: 0))?.moduleInput }
        #expect(input(.blockOutput) == value(.blockInput))
        #expect(input(.attentionOutput) == value(.attentionInput))
        #expect(input(.queryOutput) == value(.attentionInput))
        #expect(input(.mlpOutput) == value(.mlpInput))
        #expect(graph.site(SiteID(.embedding))?.value == value(.blockInput))
    }

    @Test func neighbouringBlocksShareOneValue() throws {
        let graph = try buildGraph(llama(["num_hidden_layers": .integer(2)]))
        let output = graph.site(SiteID(.blockOutput, layer: 0))?.value
        #expect(output != nil && output == graph.site(SiteID(.blockInput, layer: 1))?.value)
    }

    @Test func layersShareOneRotaryPair() throws {
        let graph = try buildGraph(llama(["num_hidden_layers": .integer(3)]))
        #expect(graph.nodes.filter { if case .rotaryCosine = $0.operation { true } else { false } }.count == 1)
    }

    @Test func provenanceIsTheModulesPath() throws {
        let graph = try buildGraph(llama())
        let site = try #require(graph.site(SiteID(.mlpActivation, layer: 0)))
        #expect(graph.nodes[site.value.node].provenance == .model("model.layers.0.mlp"))
        let demanded = graph.nodes.first { if case .input("base.demanded") = $0.operation { true } else { false } }
        #expect(demanded?.provenance == .demand)
    }

    @Test func secondRunSharesWeightsAndHasItsOwnInputs() throws {
        let (llama, builder) = (try llama(), GraphBuilder())
        _ = llama.build(builder, inputs: RunInputs(), options: BuildOptions())
        let weights = builder.graph.nodes.count(where: \.isWeight)
        _ = llama.build(builder, inputs: RunInputs(run: "clean"), options: BuildOptions())
        let graph = try builder.finish()
        #expect(graph.verify() == [])
        #expect(graph.nodes.count(where: \.isWeight) == weights)
        #expect(graph.site(SiteID(.blockOutput, layer: 0, run: "clean")) != nil)
        #expect(graph.nodes.contains { $0.operation == .input("clean.tokens") })
    }

    @Test func keyValueStoreHasOneSlotForEachLayer() throws {
        let model = try llama(["num_hidden_layers": .integer(3)])
        let graph = try buildGraph(model, options: BuildOptions(usesKeyValueStore: true))
        let appended = graph.nodes.compactMap { node -> String? in
            switch node.operation {
            case .attentionScores(let pairs), .attentionMix(let pairs):
                pairs.attention.store.map { "\(node.operation.name) \($0)" }
            default: nil
            }
        }
        #expect(
            appended == [
                "attentionScores 0", "attentionMix 0", "attentionScores 1", "attentionMix 1", "attentionScores 2",
                "attentionMix 2",
            ])
    }

    @Test func attentionWithoutHooksIsOneOperation() throws {
        let builder = GraphBuilder()
        let outputs = try llama(["num_hidden_layers": .integer(3)]).build(
            builder, inputs: RunInputs(), options: BuildOptions(usesKeyValueStore: true))
        let logits = try #require(outputs.logits)
        let graph = try builder.finish()
        let fused = graph.fusing(keeping: [logits]).graph
        let slots = fused.nodes.compactMap { node -> Int? in
            if case .attention(let attributes) = node.operation { attributes.store } else { nil }
        }
        #expect(slots == [0, 1, 2] && !fused.nodes.contains { $0.operation.pairRows != nil })
        // Whoever reads a pattern keeps the parts of that layer apart.
        let pattern = try #require(graph.site(SiteID(.attentionPattern, layer: 1))).value
        let read = graph.fusing(keeping: [logits, pattern]).graph
        #expect(read.nodes.count { $0.operation.pairRows != nil } == 3 && read.verify() == [])
    }
}

extension Node {
    fileprivate var isWeight: Bool { if case .weight = operation { true } else { false } }
}
