import Graph

// MARK: - Configuration

/// Configuration of the Llama family: Llama 1 to 3, SmolLM2, Mistral, Qwen2.
///
/// They differ in which projections have biases and in which layers have a sliding window.
struct LlamaConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var projectionBias: Bool
    var outputBias: Bool
    var mlpBias: Bool
    var rotary: RotaryFrequencies
    /// How far back each layer sees; nil: to the beginning.
    var windows: [Int?]
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        let type = configuration.modelType ?? "llama"
        reader.requireArchitecture(
            ["llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM"][type])
        reader.refuseForeignComputation()

        sizes = reader.decoderSizes()
        let layers = sizes.layers
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        rotary = RotaryFrequencies(&reader, width: sizes.headSize, context: sizes.context)
        reader.require("rope_interleaved", .flag(false))
        reader.require("partial_rotary_factor", .integer(1))
        (projectionBias, outputBias, mlpBias) = (type == "qwen2", false, false)
        windows = Array(repeating: nil, count: layers)
        switch type {
        case "mistral":
            if reader.value("sliding_window") != nil {
                windows = Array(repeating: reader.integer("sliding_window", in: 1...(1 << 30)), count: layers)
            }
        case "qwen2": windows = Self.qwen2Windows(&reader, layers: layers)
        default:
            (projectionBias, mlpBias) = (
                reader.flag("attention_bias", default: false), reader.flag("mlp_bias", default: false)
            )
            outputBias = projectionBias
            // Only GGUF files tell the two apart.
            if reader.value("attention_output_bias") != nil {
                outputBias = reader.flag("attention_output_bias", default: false)
            }
        }
        try reader.finish()
    }

    /// `layer_types`, or where it is absent the layers from `max_window_layers` on, have the window if it is in use.
    private static func qwen2Windows(_ reader: inout ConfigurationReader, layers: Int) -> [Int?] {
        reader.require("use_mrope", .flag(false))
        let isUsed = reader.flag("use_sliding_window", default: false)
        let firstLayer = reader.integer("max_window_layers", default: 28, in: 0...(1 << 24))
        let window = reader.slidingWindow(default: 4096)
        let sliding = reader.slidingLayers(layers) ?? (0..<layers).map { $0 >= firstLayer }
        return sliding.map { isUsed && $0 ? window : nil }
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions.
private struct LlamaAttention {
    let configuration: LlamaConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component, heads: Int) -> Value {
            // q_proj.weight [heads · headSize, hidden], q_proj.bias
            module[name].headProjection(
                rows, component, layer: layer, heads: heads, headSize: sizes.headSize,
                bias: configuration.projectionBias)
        }
        let query = projected("q_proj", .queryOutput, heads: sizes.heads)
        let key = projected("k_proj", .keyOutput, heads: sizes.keyHeads)
        let value = projected("v_proj", .valueOutput, heads: sizes.keyHeads)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true,
            window: configuration.windows[layer])
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(query, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(key, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize]
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.outputBias)
    }
}

// MARK: - Block

private struct LlamaBlock {
    let attention: LlamaAttention
    let mlp: GatedMLP
    let epsilon: Double
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["input_layernorm"].rmsNorm(rows, epsilon: epsilon)  // input_layernorm.weight
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].rmsNorm(middle, epsilon: epsilon)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// Llama (Touvron et al. 2023) and the models that share its graph: SmolLM2, Mistral, Qwen2.
public struct Llama: ModelArchitecture {
    public static let modelTypes = ["llama", "mistral", "qwen2"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: LlamaConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try LlamaConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = LlamaBlock(
                attention: LlamaAttention(configuration: configuration, layer: layer, rotary: rotary),
                mlp: GatedMLP(
                    width: sizes.intermediate, activation: configuration.activation, bias: configuration.mlpBias,
                    layer: layer),
                epsilon: configuration.normEpsilon, layer: layer)
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
