import Graph

// MARK: - Configuration

/// Configuration of OLMoE.
struct OLMoEConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    /// Queries, keys and values are brought within ± this.
    var clip: Double?
    var rotary: RotaryFrequencies
    /// Experts of a layer, and how many of them a row goes to.
    var experts: Int
    var chosenExperts: Int
    /// Whether the shares of a row's experts are made to add up to 1.
    var normsShares: Bool
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("OlmoeForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes()
        normEpsilon = reader.number("rms_norm_eps", default: 1e-5)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        attentionBias = reader.flag("attention_bias", default: false)
        clip = reader.optionalNumber("clip_qkv", default: nil)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        experts = reader.integer("num_experts", default: 64, in: 1...4096)
        chosenExperts = reader.integer("num_experts_per_tok", default: 8, in: 1...4096)
        if reader.isSound("num_experts", "num_experts_per_tok"), chosenExperts > experts {
            reader.refuse("num_experts_per_tok", allowed: "there are \(experts) experts")
        }
        normsShares = reader.flag("norm_topk_prob", default: false)
        // They concern a further term of the training loss.
        for key in ["router_aux_loss_coef", "output_router_logits"] { _ = reader.value(key) }
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions; queries and keys are normed over all heads together, and
/// all may be clipped.
private struct OLMoEAttention {
    let configuration: OLMoEConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component, heads: Int) -> Value {
            // q_proj.weight [heads · headSize, hidden], q_proj.bias
            module[name].headProjection(
                rows, component, layer: layer, heads: heads, headSize: sizes.headSize,
                bias: configuration.attentionBias)
        }
        let query = projected("q_proj", .queryOutput, heads: sizes.heads)
        let key = projected("k_proj", .keyOutput, heads: sizes.keyHeads)
        let value = projected("v_proj", .valueOutput, heads: sizes.keyHeads)
        // q_norm.weight [heads · headSize], k_norm.weight [keyHeads · headSize]
        let normedQuery = normed(query, .queryNormOutput, module["q_norm"], heads: sizes.heads)
        let normedKey = normed(key, .keyNormOutput, module["k_norm"], heads: sizes.keyHeads)
        func clipped(_ rows: Value) -> Value { module.clipped(rows, to: configuration.clip) }
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true)
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(clipped(normedQuery), by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(clipped(normedKey), by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize),
            value: clipped(value))
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }
    private func normed(_ rows: Value, _ component: Component, _ module: ModelModule, heads: Int) -> Value {
        let normed = module.rmsNorm(rows, epsilon: configuration.normEpsilon)
        module.declareOutput(component, layer, normed, input: rows, heads: heads)
        return normed
    }
}

// MARK: - MLP

/// A mixture of experts (Shazeer et al. 2017): Σ shareₑ · expertₑ(x) over the experts that the router likes best, each
/// a gated MLP. Only these are computed.
///
/// The sites of single experts hold all experts side by side, like heads, zero where a row does not go to one. They
/// take no memory unless somebody reads or edits them.
private struct OLMoEMixture {
    let configuration: OLMoEConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let (count, width) = (configuration.experts, configuration.sizes.intermediate)
        let router = module["gate"]  // gate.weight [experts, hidden]
        let scores = router.linear(rows, to: count, bias: false)
        router.declareOutput(.routerOutput, layer, scores, input: rows, heads: count)
        return module.building {
            let (largest, chosen) = scores.softmax().largest(configuration.chosenExperts)
            let shares = configuration.normsShares ? largest / largest.sum(.columns) : largest

            // experts.0.gate_proj.weight [width, hidden], up_proj.weight [width, hidden], down_proj.weight [hidden, width]
            func product(_ x: Value, _ name: String, to outputs: Int, from inputs: Int) -> Value {
                let product = ExpertProduct(
                    experts: count, slots: configuration.chosenExperts, sharesInput: x.id == rows.id)
                let matrices = (0..<count).map { expert in
                    module["experts"][expert][name].matrix(rows: outputs, columns: inputs)
                }
                return module.builder.results(.expertProduct(product), [x, chosen] + matrices)[0]
            }
            /// Lets parts of the chosen experts be read and edited at the places of all of them.
            func site(_ component: Component, _ name: String, _ parts: Value) -> Value {
                let all = module.builder.node(.blocks(.place(count: count)), parts, chosen)
                module["experts"].declareOutput(spelled: name, component, layer, all, input: rows, heads: count)
                return module.builder.node(.blocks(.take(count: count)), all, chosen)
            }
            let gate = product(rows, "gate_proj", to: width, from: rows.width)
            let activated = site(.mlpActivation, "act_fn.output", gate.applying(configuration.activation))
            let up = product(rows, "up_proj", to: width, from: rows.width)
            let given = site(
                .expertOutput, "output", product(activated * up, "down_proj", to: rows.width, from: width))
            return module.builder.node(.blocks(.mix), given, shares)
        }
    }
}

// MARK: - Block

private struct OLMoEBlock {
    let configuration: OLMoEConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["input_layernorm"].rmsNorm(rows, epsilon: configuration.normEpsilon)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = OLMoEAttention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].rmsNorm(middle, epsilon: configuration.normEpsilon)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = OLMoEMixture(configuration: configuration, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// OLMoE (Muennighoff et al. 2024): Llama with normed queries and keys, and a mixture of experts for the MLP.
public struct OLMoE: ModelArchitecture {
    public static let modelTypes = ["olmoe"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: OLMoEConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try OLMoEConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = OLMoEBlock(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["layers"][layer])
        }

        let norm = model["norm"]  // model.norm.weight
        let normed = norm.rmsNorm(model.demanded(rows), epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
