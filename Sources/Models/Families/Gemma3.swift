import Graph

// MARK: - Configuration

/// Configuration of the text models of Gemma 3.
struct Gemma3Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    /// Angles of the layers that see everything, and of those with a window.
    var rotary: RotaryFrequencies
    var localRotary: RotaryFrequencies
    /// How far back each layer sees; nil: to the beginning.
    var windows: [Int?]
    /// Scores are divided by the root of this.
    var queryScalar: Double
    /// Logits s become cap · tanh(s / cap).
    var logitCap: Double?
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("Gemma3ForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes(headSize: 256, needsKeyHeads: true)
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation =
            reader.choice("hidden_activation", default: "gelu_pytorch_tanh", among: activationNames) ?? .geluTanh
        // Written beside it by older versions, and read by none.
        _ = reader.value("hidden_act")
        attentionBias = reader.flag("attention_bias", default: false)
        rotary = RotaryFrequencies(
            &reader, width: sizes.headSize, context: sizes.context, defaultBase: 1_000_000)
        // The scaling is for the layers that see everything.
        localRotary = RotaryFrequencies(
            base: reader.number("rope_local_base_freq", default: 10_000), headSize: sizes.headSize, scaling: .none,
            context: sizes.context)
        queryScalar = reader.number("query_pre_attn_scalar", default: 256)
        reader.requireNone("attn_logit_softcapping", because: "Gemma 3 has no soft cap on scores")
        logitCap = reader.optionalNumber("final_logit_softcapping", default: nil)
        let window = reader.slidingWindow(default: 4096)
        let pattern = reader.integer("sliding_window_pattern", default: 6)
        // Five layers with a window, then one that sees everything.
        let sliding = reader.slidingLayers(sizes.layers) ?? (0..<sizes.layers).map { ($0 + 1) % pattern != 0 }
        windows = sliding.map { $0 ? window : nil }
        reader.require("use_bidirectional_attention", .flag(false))
        _ = reader.value("cache_implementation")
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions, queries and keys normed within each head, a window in most layers.
private struct Gemma3Attention {
    let configuration: Gemma3Configuration
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
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize,
            scale: 1 / configuration.queryScalar.squareRoot(), causal: true, window: configuration.windows[layer])
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(normedQuery, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(normedKey, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize], o_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }

    /// q_norm.weight [headSize], shared by the heads and stored as weight − 1.
    private func normed(_ rows: Value, _ component: Component, _ module: ModelModule, heads: Int) -> Value {
        let normed = module.rmsNorm(rows, epsilon: configuration.normEpsilon, weightOffset: 1, groups: heads)
        module.declareOutput(component, layer, normed, input: rows, heads: heads)
        return normed
    }
}

// MARK: - Block

/// Each half has a norm before and a norm after it.
private struct Gemma3Block {
    let configuration: Gemma3Configuration
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
        let attention = Gemma3Attention(configuration: configuration, layer: layer, rotary: rotary)
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

/// Text models of Gemma 3 (Gemma Team 2025): Gemma 2 with normed queries and keys instead of the cap on scores, and two
/// rotary bases.
public struct Gemma3: ModelArchitecture {
    public static let modelTypes = ["gemma3_text"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: Gemma3Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try Gemma3Configuration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.applied {
            table.matrix(rows: sizes.vocabulary, columns: sizes.hidden).rows(at: model.tokens)
                * Double(sizes.hidden).squareRoot()
        }
        table.declareOutput(.embedding, nil, rows)

        let (everywhere, nearby) = (
            configuration.rotary.nodes(model["rotary_emb"]), configuration.localRotary.nodes(model["rotary_emb_local"])
        )
        for layer in 0..<sizes.layers {
            let block = Gemma3Block(
                configuration: configuration, layer: layer,
                rotary: configuration.windows[layer] == nil ? everywhere : nearby)
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
