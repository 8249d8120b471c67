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

        let hidden = reader.integer("hidden_size")
        let layers = reader.integer("num_hidden_layers", in: 1...4096)
        let heads = reader.integer("num_attention_heads", in: 1...65_536)
        let keyHeads = reader.integer("num_key_value_heads", default: heads, in: 1...65_536)
        if reader.isSound("num_attention_heads", "num_key_value_heads"), heads % keyHeads != 0 {
            reader.refuse("num_key_value_heads", allowed: "\"num_attention_heads\", \(heads), must be a multiple of it")
        }
        let headSize = reader.integer("head_dim", default: min(max(hidden / heads, 1), 65_536), in: 2...65_536)
        let fillsWidth = headSize * heads == hidden || reader.value("head_dim") != nil
        if reader.isSound("hidden_size", "num_attention_heads", "head_dim"), headSize % 2 != 0 || !fillsWidth {
            reader.refuse("head_dim", allowed: "\(hidden) columns in \(heads) heads need an even size of a head")
        }
        sizes = ModelSizes(
            layers: layers, hidden: hidden, intermediate: reader.integer("intermediate_size"), heads: heads,
            keyHeads: keyHeads, headSize: headSize, vocabulary: reader.integer("vocab_size"),
            context: reader.integer("max_position_embeddings", default: 2048, in: 1...(1 << 30)))
        normEpsilon = reader.number("rms_norm_eps", default: 1e-6)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        let rotaryScaling = RotaryScaling.read(&reader, pairs: headSize / 2)
        rotary = RotaryFrequencies(
            base: rotaryScaling.base, headSize: headSize, scaling: rotaryScaling.scaling, context: sizes.context)
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
        let window = reader.value("sliding_window") == nil ? 4096 : reader.integer("sliding_window", in: 1...(1 << 30))
        guard let types = reader.value("layer_types") else {
            return (0..<layers).map { isUsed && $0 >= firstLayer ? window : nil }
        }
        let names = types.list?.map(\.text) ?? []
        if names.count != layers || !names.allSatisfy({ $0 == "full_attention" || $0 == "sliding_attention" }) {
            reader.refuse(
                "layer_types", allowed: "\(layers) times \"full_attention\" or \"sliding_attention\" are needed")
        }
        return (0..<layers).map {
            isUsed && names.indices.contains($0) && names[$0] == "sliding_attention" ? window : nil
        }
    }
}

// MARK: - Attention

/// Grouped-query attention with rotary positions.
private struct LlamaAttention {
    let configuration: LlamaConfiguration
    let layer: Int
    let rotary: (cosine: Value, sine: Value)

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component, heads: Int) -> Value {
            let projection = module[name]  // q_proj.weight [heads · headSize, hidden], q_proj.bias
            let value = projection.linear(rows, to: heads * sizes.headSize, bias: configuration.projectionBias)
            projection.declareOutput(component, layer, value, input: rows, heads: heads)
            return value
        }
        let query = projected("q_proj", .queryOutput, heads: sizes.heads)
        let key = projected("k_proj", .keyOutput, heads: sizes.keyHeads)
        let value = projected("v_proj", .valueOutput, heads: sizes.keyHeads)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true,
            window: configuration.windows[layer])
        let mixed = module.attention(
            attributes, layer: layer, query: module.building { rotated(query, heads: sizes.heads) },
            key: module.building { rotated(key, heads: sizes.keyHeads) }, value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize]
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.outputBias)
    }

    private func rotated(_ rows: Value, heads: Int) -> Value {
        rows.builder.node(
            .rotate(RotaryAttributes(heads: heads, headSize: configuration.sizes.headSize)), rows, rotary.cosine,
            rotary.sine)
    }
}

// MARK: - MLP

/// down(act(gate(x)) · up(x)).
private struct LlamaMLP {
    let configuration: LlamaConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let width = configuration.sizes.intermediate
        let gate = module["gate_proj"].linear(rows, to: width, bias: configuration.mlpBias)  // gate_proj.weight
        let activated = module.building { gate.applying(configuration.activation) }
        module["act_fn"].declareOutput(.mlpActivation, layer, activated, input: gate)
        let up = module["up_proj"].linear(rows, to: width, bias: configuration.mlpBias)  // up_proj.weight
        let gated = module.building { activated * up }
        return module["down_proj"].linear(gated, to: configuration.sizes.hidden, bias: configuration.mlpBias)
    }
}

// MARK: - Block

private struct LlamaBlock {
    let attention: LlamaAttention
    let mlp: LlamaMLP
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
                mlp: LlamaMLP(configuration: configuration, layer: layer), epsilon: configuration.normEpsilon,
                layer: layer)
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
