import Graph

// MARK: - Configuration

/// Configuration of OLMo.
struct OLMoConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var activation: UnaryFunction
    var attentionBias: Bool
    /// Queries, keys and values are brought within ± this.
    var clip: Double?
    var rotary: RotaryFrequencies
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("OlmoForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes()
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        attentionBias = reader.flag("attention_bias", default: false)
        clip = reader.optionalNumber("clip_qkv", default: nil)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions; queries, keys and values may be clipped.
private struct OLMoAttention {
    let configuration: OLMoConfiguration
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
        let (clippedQuery, clippedKey, clippedValue) = (
            module.clipped(query, to: configuration.clip), module.clipped(key, to: configuration.clip),
            module.clipped(value, to: configuration.clip)
        )
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true)
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(clippedQuery, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(clippedKey, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize),
            value: clippedValue)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }
}

// MARK: - Block

private struct OLMoBlock {
    let configuration: OLMoConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["input_layernorm"].plainLayerNorm(rows, epsilon: 1e-5)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = OLMoAttention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].plainLayerNorm(middle, epsilon: 1e-5)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = GatedMLP(
            width: configuration.sizes.intermediate, activation: configuration.activation, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// OLMo (Groeneveld et al. 2024): Llama with layer norms that have no parameters.
public struct OLMo: ModelArchitecture {
    public static let modelTypes = ["olmo"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: OLMoConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try OLMoConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = OLMoBlock(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["layers"][layer])
        }

        let norm = model["norm"]
        let normed = norm.plainLayerNorm(model.demanded(rows), epsilon: 1e-5)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
