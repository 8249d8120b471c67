import Graph

// MARK: - Configuration

/// Configuration of OLMo 2.
struct OLMo2Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    var rotary: RotaryFrequencies
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("Olmo2ForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes()
        normEpsilon = reader.number("rms_norm_eps", default: 1e-5)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        attentionBias = reader.flag("attention_bias", default: false)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions, queries and keys normed over all heads together.
private struct OLMo2Attention {
    let configuration: OLMo2Configuration
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
        let normedQuery = normed(query, .queryNormOutput, module["q_norm"], heads: sizes.heads)
        let normedKey = normed(key, .keyNormOutput, module["k_norm"], heads: sizes.keyHeads)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true)
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(normedQuery, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(normedKey, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }

    /// q_norm.weight [heads · headSize].
    private func normed(_ rows: Value, _ component: Component, _ module: ModelModule, heads: Int) -> Value {
        let normed = module.rmsNorm(rows, epsilon: configuration.normEpsilon)
        module.declareOutput(component, layer, normed, input: rows, heads: heads)
        return normed
    }
}

// MARK: - Block

/// Norms come after both halves, none before.
private struct OLMo2Block {
    let configuration: OLMo2Configuration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // post_attention_layernorm.weight, post_feedforward_layernorm.weight
        func normed(_ name: String, _ rows: Value) -> Value {
            module[name].rmsNorm(rows, epsilon: configuration.normEpsilon)
        }
        module.declareInput(.blockInput, layer, rows)
        module["self_attn"].declareInput(.attentionInput, layer, rows)
        let attention = OLMo2Attention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(rows, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: rows)
        let normedAttended = normed("post_attention_layernorm", attended)
        let middle = module.building { rows + normedAttended }

        module["mlp"].declareInput(.mlpInput, layer, middle)
        let mlp = GatedMLP(
            width: configuration.sizes.intermediate, activation: configuration.activation, layer: layer)
        let transformed = mlp(middle, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: middle)
        let normedTransformed = normed("post_feedforward_layernorm", transformed)
        let output = module.building { middle + normedTransformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// OLMo 2 (OLMo Team 2025): norms after both halves, normed queries and keys.
public struct OLMo2: ModelArchitecture {
    public static let modelTypes = ["olmo2"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: OLMo2Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try OLMo2Configuration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = OLMo2Block(configuration: configuration, layer: layer, rotary: rotary)
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
