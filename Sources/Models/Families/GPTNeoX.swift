import Graph

// MARK: - Configuration

/// Configuration of GPT-NeoX and Pythia.
struct GPTNeoXConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    var attentionBias: Bool
    /// Angles of the first columns of each head; the others are not rotated.
    var rotary: RotaryFrequencies
    /// Whether attention and MLP both read the block's input.
    var isParallel: Bool
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("GPTNeoXForCausalLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size")
        let heads = reader.integer("num_attention_heads", in: 1...65_536)
        if reader.isSound("hidden_size", "num_attention_heads"), hidden % heads != 0 {
            reader.refuse("num_attention_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        sizes = ModelSizes(
            layers: reader.integer("num_hidden_layers", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size"), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"),
            context: reader.integer("max_position_embeddings", default: 2048, in: 1...(1 << 30)))
        normEpsilon = reader.number("layer_norm_eps", default: 1e-5)
        activation = reader.choice("hidden_act", default: "gelu", among: activationNames) ?? .gelu
        attentionBias = reader.flag("attention_bias", default: true)
        isParallel = reader.flag("use_parallel_residual", default: true)
        let rotated = reader.rotatedColumns("rotary_pct", of: sizes.headSize, default: 0.25)
        // Written beside it by later versions, with the same value.
        _ = reader.value("partial_rotary_factor")
        let base = reader.number("rotary_emb_base", default: 10_000)
        rotary = RotaryFrequencies(&reader, width: rotated, context: sizes.context, defaultBase: base)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }
}

// MARK: - Attention

/// Attention whose query, key and value come from one projection that holds the three of each head together.
private struct GPTNeoXAttention {
    let configuration: GPTNeoXConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        // query_key_value.weight [heads · (query, key, value) · headSize, hidden], query_key_value.bias
        let projection = module["query_key_value"]
        let fused = projection.linear(rows, to: 3 * sizes.hidden, bias: configuration.attentionBias)
        func part(_ place: Int, _ component: Component) -> Value {
            let blocks = ColumnBlocks(width: sizes.headSize, first: place, stride: 3, count: sizes.heads)
            let part = projection.building { fused.columns(blocks) }
            projection.declareOutput(
                spelled: "output[\(place)::3]", component, layer, part, input: rows, heads: sizes.heads)
            return part
        }
        let (query, key, value) = (part(0, .queryOutput), part(1, .keyOutput), part(2, .valueOutput))
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, causal: true)
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(query, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(key, by: rotary, heads: sizes.heads, headSize: sizes.headSize), value: value)
        let output = module["dense"]  // dense.weight [hidden, hidden], dense.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: configuration.attentionBias)
    }
}

// MARK: - MLP

/// dense_4h_to_h(act(dense_h_to_4h(x))).
private struct GPTNeoXMLP {
    let configuration: GPTNeoXConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // dense_h_to_4h.weight [intermediate, hidden], dense_h_to_4h.bias
        let expanded = module["dense_h_to_4h"].linear(rows, to: configuration.sizes.intermediate, bias: true)
        let activated = module.building { expanded.applying(configuration.activation) }
        module["act"].declareOutput(.mlpActivation, layer, activated, input: expanded)
        // dense_4h_to_h.weight [hidden, intermediate], dense_4h_to_h.bias
        return module["dense_4h_to_h"].linear(activated, to: configuration.sizes.hidden, bias: true)
    }
}

// MARK: - Block

/// x + attention(norm(x)) + mlp(norm(x)), or one after the other.
private struct GPTNeoXBlock {
    let configuration: GPTNeoXConfiguration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let epsilon = configuration.normEpsilon
        module.declareInput(.blockInput, layer, rows)
        // input_layernorm.weight, input_layernorm.bias
        let attentionInput = module["input_layernorm"].layerNorm(rows, epsilon: epsilon)
        module["attention"].declareInput(.attentionInput, layer, attentionInput)
        let attention = GPTNeoXAttention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["attention"])
        module["attention"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        // post_attention_layernorm.weight, post_attention_layernorm.bias
        let mlpInput = module["post_attention_layernorm"].layerNorm(
            configuration.isParallel ? rows : middle, epsilon: epsilon)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = GPTNeoXMLP(configuration: configuration, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023).
public struct GPTNeoX: ModelArchitecture {
    public static let modelTypes = ["gpt_neox"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "gpt_neox"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: GPTNeoXConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try GPTNeoXConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "gpt_neox")
        let table = model["embed_in"]  // gpt_neox.embed_in.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = GPTNeoXBlock(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["layers"][layer])
        }

        let norm = model["final_layer_norm"]  // gpt_neox.final_layer_norm.weight, gpt_neox.final_layer_norm.bias
        let normed = norm.layerNorm(model.demanded(rows), epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(  // embed_out.weight [vocabulary, hidden]
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil,
            named: "embed_out")
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
