import Graph

// MARK: - Configuration

/// Configuration of Gemma 2.
struct Gemma2Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    var rotary: RotaryFrequencies
    /// How far back each layer sees; nil: to the beginning.
    var windows: [Int?]
    /// Scores are divided by the root of this.
    var queryScalar: Double
    /// Scores and logits s become cap · tanh(s / cap).
    var scoreCap: Double?
    var logitCap: Double?
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("Gemma2ForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes(headSize: 256, needsKeyHeads: true)
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation =
            reader.choice("hidden_activation", default: "gelu_pytorch_tanh", among: activationNames) ?? .geluTanh
        // Written beside it by older versions, and read by none.
        _ = reader.value("hidden_act")
        attentionBias = reader.flag("attention_bias", default: false)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        queryScalar = reader.number("query_pre_attn_scalar", default: 256)
        scoreCap = reader.optionalNumber("attn_logit_softcapping", default: 50)
        logitCap = reader.optionalNumber("final_logit_softcapping", default: 30)
        let window = reader.slidingWindow(default: 4096)
        // Every second layer sees everything.
        let sliding = reader.slidingLayers(sizes.layers) ?? (0..<sizes.layers).map { $0 % 2 == 0 }
        windows = sliding.map { $0 ? window : nil }
        reader.require("use_bidirectional_attention", .flag(false))
        _ = reader.value("cache_implementation")
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions, soft-capped scores, and a window in some layers.
private struct Gemma2Attention {
    let configuration: Gemma2Configuration
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
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize,
            scale: 1 / configuration.queryScalar.squareRoot(), softCap: configuration.scoreCap, causal: true,
            window: configuration.windows[layer])
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(query, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(key, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }
}

// MARK: - Block

/// Each half has a norm before and a norm after it.
private struct Gemma2Block {
    let configuration: Gemma2Configuration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // input_layernorm.weight and the other three are stored as weight − 1.
        func normed(_ name: String, _ rows: Value) -> Value {
            module[name].rmsNorm(rows, epsilon: configuration.normEpsilon, weightOffset: 1)
        }
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = normed("input_layernorm", rows)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = Gemma2Attention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let normedAttended = normed("post_attention_layernorm", attended)
        let middle = module.building { rows + normedAttended }

        let mlpInput = normed("pre_feedforward_layernorm", middle)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = GatedMLP(
            width: configuration.sizes.intermediate, activation: configuration.activation, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let normedTransformed = normed("post_feedforward_layernorm", transformed)
        let output = module.building { middle + normedTransformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// Gemma 2 (Gemma Team 2024): Gemma with norms after both halves, windows in every second layer, and soft caps.
public struct Gemma2: ModelArchitecture {
    public static let modelTypes = ["gemma2"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: Gemma2Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try Gemma2Configuration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        let words = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        var rows = model.building { words * Double(sizes.hidden).squareRoot() }
        model["layers"][0].declareInput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = Gemma2Block(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["layers"][layer])
        }

        let norm = model["norm"]  // model.norm.weight
        let normed = norm.rmsNorm(model.demanded(rows), epsilon: configuration.normEpsilon, weightOffset: 1)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil,
            softCap: configuration.logitCap)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
