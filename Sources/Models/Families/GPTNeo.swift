import Graph

// MARK: - Configuration

/// Configuration of GPT-Neo.
struct GPTNeoConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    /// How far back each layer sees; nil: to the beginning.
    var windows: [Int?]
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("GPTNeoForCausalLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size")
        let heads = reader.integer("num_heads", in: 1...65_536)
        if reader.isSound("hidden_size", "num_heads"), hidden % heads != 0 {
            reader.refuse("num_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        let positions = reader.integer("max_position_embeddings")
        sizes = ModelSizes(
            layers: reader.integer("num_layers", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size", default: 4 * hidden), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"), context: positions,
            positionLimit: positions)
        normEpsilon = reader.number("layer_norm_epsilon", default: 1e-5)
        activation = reader.choice("activation_function", default: "gelu_new", among: activationNames) ?? .geluTanh
        windows = Self.windows(&reader, layers: sizes.layers)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        for dropout in ["resid_dropout", "embed_dropout"] { _ = reader.value(dropout) }
        try reader.finish()
    }

    /// `attention_types` is a list of [kinds, repetitions]; `attention_layers` says the same for each layer.
    private static func windows(_ reader: inout ConfigurationReader, layers: Int) -> [Int?] {
        let window = reader.integer("window_size", default: 256, in: 1...(1 << 30))
        let given = reader.value("attention_types")?.list?.flatMap { entry -> [ConfigurationValue] in
            guard let parts = entry.list, parts.count == 2, let kinds = parts[0].list, let count = parts[1].integer,
                (0...4096).contains(count)
            else { return [.null] }
            return (0..<count).flatMap { _ in kinds }
        }
        _ = reader.value("attention_layers")
        let kinds = (given ?? []).map(\.text)
        guard kinds.count == layers, kinds.allSatisfy({ $0 == "global" || $0 == "local" }) else {
            reader.refuse(
                "attention_types",
                allowed:
                    "pairs of kinds, \"global\" or \"local\", and repetitions that give \(layers) layers are needed")
            return Array(repeating: nil, count: layers)
        }
        return kinds.map { $0 == "local" ? window : nil }
    }
}

// MARK: - Attention

/// Causal attention whose scores are not scaled, with a window in some layers.
private struct GPTNeoAttention {
    let configuration: GPTNeoConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component) -> Value {
            // attention.q_proj.weight [hidden, hidden]
            module[name].headProjection(
                rows, component, layer: layer, heads: sizes.heads, headSize: sizes.headSize)
        }
        let query = projected("q_proj", .queryOutput)
        let key = projected("k_proj", .keyOutput)
        let value = projected("v_proj", .valueOutput)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, scale: 1, causal: true,
            window: configuration.windows[layer])
        let mixed = module.attention(attributes, layer: layer, query: query, key: key, value: value)
        let output = module["out_proj"]  // attention.out_proj.weight [hidden, hidden], attention.out_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: true)
    }
}

// MARK: - MLP

/// proj(act(fc(x))).
private struct GPTNeoMLP {
    let configuration: GPTNeoConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // c_fc.weight [intermediate, hidden], c_fc.bias
        let expanded = module["c_fc"].linear(rows, to: configuration.sizes.intermediate, bias: true)
        let activated = module.building { expanded.applying(configuration.activation) }
        module["act"].declareOutput(.mlpActivation, layer, activated, input: expanded)
        // c_proj.weight [hidden, intermediate], c_proj.bias
        return module["c_proj"].linear(activated, to: configuration.sizes.hidden, bias: true)
    }
}

// MARK: - Block

private struct GPTNeoBlock {
    let configuration: GPTNeoConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let epsilon = configuration.normEpsilon
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["ln_1"].layerNorm(rows, epsilon: epsilon)  // ln_1.weight, ln_1.bias
        module["attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = GPTNeoAttention(configuration: configuration, layer: layer)
        let attended = attention(attentionInput, module["attn"]["attention"])
        module["attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["ln_2"].layerNorm(middle, epsilon: epsilon)  // ln_2.weight, ln_2.bias
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = GPTNeoMLP(configuration: configuration, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// GPT-Neo (Black et al. 2021): GPT-2 with windows in every second layer and scores that are not scaled.
public struct GPTNeo: ModelArchitecture {
    public static let modelTypes = ["gpt_neo"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "transformer"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: GPTNeoConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try GPTNeoConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "transformer")
        let table = model["wte"]  // transformer.wte.weight [vocabulary, hidden]
        let words = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        // transformer.wpe.weight [positions, hidden]
        let places = model["wpe"].embedding(model.positions, count: sizes.context, width: sizes.hidden)
        model["wpe"].declareOutput(.positionEmbedding, nil, places)
        var rows = model.building { words + places }
        model["drop"].declareOutput(.embedding, nil, rows)

        for layer in 0..<sizes.layers {
            rows = GPTNeoBlock(configuration: configuration, layer: layer)(rows, model["h"][layer])
        }

        let norm = model["ln_f"]  // transformer.ln_f.weight, transformer.ln_f.bias
        let normed = norm.layerNorm(model.demanded(rows), epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
