import Graph

// MARK: - Configuration

/// Configuration of Gemma.
struct GemmaConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    var rotary: RotaryFrequencies
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("GemmaForCausalLM")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes(headSize: 256, needsKeyHeads: true)
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation =
            reader.choice("hidden_act", default: "gelu_pytorch_tanh", among: activationNames) ?? .geluTanh
        if let other = reader.value("hidden_activation"),
            other != reader.value("hidden_act") ?? .text("gelu_pytorch_tanh")
        {
            reader.refuse("hidden_activation", allowed: "it must agree with \"hidden_act\"")
        }
        attentionBias = reader.flag("attention_bias", default: false)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        try reader.finish()
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions; the heads need not fill the width of the model.
private struct GemmaAttention {
    let configuration: GemmaConfiguration
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
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true)
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

private struct GemmaBlock {
    let configuration: GemmaConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        // input_layernorm.weight and post_attention_layernorm.weight are stored as weight − 1.
        let attentionInput = module["input_layernorm"].rmsNorm(
            rows, epsilon: configuration.normEpsilon, weightOffset: 1)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = GemmaAttention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].rmsNorm(
            middle, epsilon: configuration.normEpsilon, weightOffset: 1)
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

/// Gemma (Gemma Team 2024): embeddings times √hidden, norm weights stored less 1, heads wider than the model.
public struct Gemma: ModelArchitecture {
    public static let modelTypes = ["gemma"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: GemmaConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try GemmaConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        let words = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        var rows = model.building { words * Double(sizes.hidden).squareRoot() }
        model["layers"][0].declareInput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = GemmaBlock(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["layers"][layer])
        }

        let norm = model["norm"]  // model.norm.weight
        let normed = norm.rmsNorm(model.demanded(rows), epsilon: configuration.normEpsilon, weightOffset: 1)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
