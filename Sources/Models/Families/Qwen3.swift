import Graph

// MARK: - Configuration

/// Configuration of Qwen3.
struct Qwen3Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    var rotary: RotaryFrequencies
    /// How far back each layer sees; nil: to the beginning.
    var windows: [Int?]
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("Qwen3ForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes(headSize: 128)
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        attentionBias = reader.flag("attention_bias", default: false)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        windows = Self.windows(&reader, layers: sizes.layers)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }

    /// `layer_types`, or where it is absent the layers from `max_window_layers` on, have the window if it is in use.
    private static func windows(_ reader: inout ConfigurationReader, layers: Int) -> [Int?] {
        let isUsed = reader.flag("use_sliding_window", default: false)
        let firstLayer = reader.integer("max_window_layers", default: 28, in: 0...(1 << 24))
        let window = reader.slidingWindow(default: 4096)
        let sliding = reader.slidingLayers(layers) ?? (0..<layers).map { $0 >= firstLayer }
        return sliding.map { isUsed && $0 ? window : nil }
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions, queries and keys normed within each head.
private struct Qwen3Attention {
    let configuration: Qwen3Configuration
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
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true,
            window: configuration.windows[layer])
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(normedQuery, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(normedKey, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }

    /// q_norm.weight [headSize], shared by the heads.
    private func normed(_ rows: Value, _ component: Component, _ module: ModelModule, heads: Int) -> Value {
        let normed = module.rmsNorm(rows, epsilon: configuration.normEpsilon, groups: heads)
        module.declareOutput(component, layer, normed, input: rows, heads: heads)
        return normed
    }
}

// MARK: - Block

private struct Qwen3Block {
    let configuration: Qwen3Configuration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["input_layernorm"].rmsNorm(rows, epsilon: configuration.normEpsilon)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = Qwen3Attention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].rmsNorm(middle, epsilon: configuration.normEpsilon)
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

/// Qwen3 (Yang et al. 2025): Llama with normed queries and keys and a head size of its own.
public struct Qwen3: ModelArchitecture {
    public static let modelTypes = ["qwen3"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: Qwen3Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try Qwen3Configuration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = Qwen3Block(configuration: configuration, layer: layer, rotary: rotary)
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
