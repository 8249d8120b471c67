import Graph

// MARK: - Configuration

/// Configuration of GPT-2.
struct GPT2Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    /// Whether scores are divided by √headSize, and by the layer's number counted from 1.
    var scalesScores: Bool
    var scalesScoresByLayer: Bool
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("GPT2LMHeadModel")
        reader.refuseForeignComputation()
        let hidden = reader.integer("n_embd")
        let heads = reader.integer("n_head", in: 1...65_536)
        if reader.isSound("n_embd", "n_head"), hidden % heads != 0 {
            reader.refuse("n_head", allowed: "\"n_embd\", \(hidden), must be a multiple of it")
        }
        let positions = reader.integer("n_positions")
        _ = reader.value("n_ctx")
        sizes = ModelSizes(
            layers: reader.integer("n_layer", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("n_inner", default: 4 * hidden), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"), context: positions,
            positionLimit: positions)
        normEpsilon = reader.number("layer_norm_epsilon", default: 1e-5)
        activation = reader.choice("activation_function", default: "gelu_new", among: activationNames) ?? .geluTanh
        scalesScores = reader.flag("scale_attn_weights", default: true)
        scalesScoresByLayer = reader.flag("scale_attn_by_inverse_layer_idx", default: false)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        try reader.finish()
    }

    func scoreScale(layer: Int) -> Double {
        (scalesScores ? 1 / Double(sizes.headSize).squareRoot() : 1) / (scalesScoresByLayer ? Double(layer + 1) : 1)
    }
}

// MARK: - Attention

/// Causal attention whose query, key and value come from one fused projection.
private struct GPT2Attention {
    let configuration: GPT2Configuration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        let projection = module["c_attn"]  // c_attn.weight [hidden, 3 · hidden], c_attn.bias
        let fused = projection.transposedLinear(rows, to: 3 * sizes.hidden)
        let parts = [Component.queryOutput, .keyOutput, .valueOutput].enumerated().map { place, component in
            let columns = place * sizes.hidden..<(place + 1) * sizes.hidden
            let part = projection.building { fused.columns(columns) }
            projection.declareOutput(columns: columns, component, layer, part, input: rows, heads: sizes.heads)
            return part
        }
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize,
            scale: configuration.scoreScale(layer: layer), causal: true)
        let mixed = module.attention(attributes, layer: layer, query: parts[0], key: parts[1], value: parts[2])
        let output = module["c_proj"]  // c_proj.weight [hidden, hidden], c_proj.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.transposedLinear(mixed, to: sizes.hidden)
    }
}

// MARK: - MLP

/// proj(act(fc(x))).
private struct GPT2MLP {
    let configuration: GPT2Configuration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        // c_fc.weight [hidden, intermediate], c_fc.bias
        let expanded = module["c_fc"].transposedLinear(rows, to: configuration.sizes.intermediate)
        let activated = module.building { expanded.applying(configuration.activation) }
        module["act"].declareOutput(.mlpActivation, layer, activated, input: expanded)
        // c_proj.weight [intermediate, hidden], c_proj.bias
        return module["c_proj"].transposedLinear(activated, to: configuration.sizes.hidden)
    }
}

// MARK: - Block

private struct GPT2Block {
    let attention: GPT2Attention
    let mlp: GPT2MLP
    let epsilon: Double
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["ln_1"].layerNorm(rows, epsilon: epsilon)  // ln_1.weight, ln_1.bias
        module["attn"].declareInput(.attentionInput, layer, attentionInput)
        let attended = attention(attentionInput, module["attn"])
        module["attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["ln_2"].layerNorm(middle, epsilon: epsilon)  // ln_2.weight, ln_2.bias
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// GPT-2 (Radford et al. 2019).
public struct GPT2: ModelArchitecture {
    public static let modelTypes = ["gpt2"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "transformer"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: GPT2Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try GPT2Configuration(configuration)
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
            let block = GPT2Block(
                attention: GPT2Attention(configuration: configuration, layer: layer),
                mlp: GPT2MLP(configuration: configuration, layer: layer), epsilon: configuration.normEpsilon,
                layer: layer)
            rows = block(rows, model["h"][layer])
        }

        let norm = model["ln_f"]  // transformer.ln_f.weight, transformer.ln_f.bias
        let normed = norm.layerNorm(model.demanded(rows), epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        let logits = model.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
