import Graph

// MARK: - Configuration

/// Configuration of MPNet.
struct MPNetConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var kind: ModelKind
    var normEpsilon: Double
    var activation: UnaryFunction
    /// Whether the head that scores tokens uses the embedding table.
    var tiesEmbeddings: Bool

    /// The row of the position table that belongs to position 0: those before it are for padding.
    static let firstPosition = 2
    /// The modelling code has these numbers built in.
    static let buckets = PositionBuckets(count: 32, maximumDistance: 128, bidirectional: true)

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("MPNetForSequenceClassification", "MPNetModel", "MPNetForMaskedLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size")
        let heads = reader.integer("num_attention_heads", in: 1...65_536)
        if reader.isSound("hidden_size", "num_attention_heads"), hidden % heads != 0 {
            reader.refuse("num_attention_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        let positions = reader.integer("max_position_embeddings")
        if positions <= Self.firstPosition {
            reader.refuse("max_position_embeddings", allowed: "it must be above \(Self.firstPosition)")
        }
        let context = max(positions - Self.firstPosition, 1)
        sizes = ModelSizes(
            layers: reader.integer("num_hidden_layers", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size"), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"), context: context,
            positionLimit: context)
        normEpsilon = reader.number("layer_norm_eps", default: 1e-12)
        activation = reader.choice("hidden_act", default: "gelu", among: activationNames) ?? .gelu
        reader.require("relative_attention_num_buckets", .integer(Self.buckets.count))
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        kind = reader.encoderKind()
        try reader.finish()
    }
}

// MARK: - Attention

/// Attention in both directions with a bias by distance that all layers share; residual sum and norm follow.
private struct MPNetAttention {
    let configuration: MPNetConfiguration
    let layer: Int
    /// [pairs, heads].
    let bias: Value

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let (sizes, attention) = (configuration.sizes, module["attn"])
        func projected(_ name: String, _ component: Component) -> Value {
            let projection = attention[name]  // attn.q.weight [hidden, hidden], attn.q.bias
            let value = projection.linear(rows, to: sizes.hidden, bias: true)
            projection.declareOutput(component, layer, value, input: rows, heads: sizes.heads)
            return value
        }
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, causal: false)
        let mixed = attention.attention(
            attributes, layer: layer, query: projected("q", .queryOutput), key: projected("k", .keyOutput),
            value: projected("v", .valueOutput), bias: bias)
        let output = attention["o"]  // attn.o.weight [hidden, hidden], attn.o.bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        let attended = output.linear(mixed, to: sizes.hidden, bias: true)
        output.declareOutput(.attentionOutput, layer, attended, input: rows)
        // LayerNorm.weight, .bias
        return module["LayerNorm"].layerNorm(
            module.building { attended + rows }, epsilon: configuration.normEpsilon)
    }
}

// MARK: - MLP

/// dense(act(dense(x))); residual sum and norm follow.
private struct MPNetMLP {
    let configuration: MPNetConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let intermediate = module["intermediate"]  // intermediate.dense.weight [intermediate, hidden], .bias
        intermediate.declareInput(.mlpInput, layer, rows)
        let expanded = intermediate["dense"].linear(rows, to: configuration.sizes.intermediate, bias: true)
        let activated = intermediate.building { expanded.applying(configuration.activation) }
        intermediate.declareOutput(.mlpActivation, layer, activated, input: expanded)
        let output = module["output"]  // output.dense.weight [hidden, intermediate], .bias
        let transformed = output["dense"].linear(activated, to: configuration.sizes.hidden, bias: true)
        output["dense"].declareOutput(.mlpOutput, layer, transformed, input: rows)
        // output.LayerNorm.weight, .bias
        return output["LayerNorm"].layerNorm(
            output.building { transformed + rows }, epsilon: configuration.normEpsilon)
    }
}

// MARK: - Block

private struct MPNetBlock {
    let attention: MPNetAttention
    let mlp: MPNetMLP
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        module["attention"].declareInput(.attentionInput, layer, rows)
        let output = mlp(attention(rows, module["attention"]), module)
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// MPNet (Song et al. 2020) as an encoder or with a head that classifies sequences or scores tokens.
public struct MPNet: ModelArchitecture {
    public static let modelTypes = ["mpnet"]
    public let bodyName = "mpnet"
    public var kind: ModelKind { configuration.kind }
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: MPNetConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try MPNetConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(
            builder: builder, inputs: inputs, options: options, path: bodyName,
            absentPrefix: kind == .encoder ? "\(bodyName)." : "")
        var rows = embedded(model["embeddings"])
        // encoder.relative_attention_bias.weight [32, heads]
        let bias = model["encoder"]["relative_attention_bias"].positionBias(
            MPNetConfiguration.buckets, heads: sizes.heads)
        for layer in 0..<sizes.layers {
            let block = MPNetBlock(
                attention: MPNetAttention(configuration: configuration, layer: layer, bias: bias),
                mlp: MPNetMLP(configuration: configuration, layer: layer), layer: layer)
            rows = block(rows, model["encoder"]["layer"][layer])
        }
        if kind == .maskedLanguageModel {
            return ModelOutputs(
                logits: model.maskedHead(
                    rows, vocabulary: sizes.vocabulary, epsilon: configuration.normEpsilon,
                    isTied: configuration.tiesEmbeddings
                ).id, lastHiddenState: rows.id)
        }
        guard case .sequenceClassifier(let labels) = kind else {
            return ModelOutputs(logits: nil, lastHiddenState: rows.id)
        }
        return ModelOutputs(logits: head(rows, labels.count, model).id, lastHiddenState: rows.id)
    }

    private func embedded(_ module: ModelModule) -> Value {
        // embeddings.word_embeddings.weight [vocabulary, hidden]
        let words = module["word_embeddings"].embedding(module.tokens, count: sizes.vocabulary, width: sizes.hidden)
        // embeddings.position_embeddings.weight [positions, hidden], from the row of position 0 on
        let table = module["position_embeddings"]
        let places = table.applied {
            table.matrix("weight[\(MPNetConfiguration.firstPosition):]", rows: sizes.context, columns: sizes.hidden)
                .rows(at: module.positions)
        }
        table.declareOutput(.positionEmbedding, nil, places)
        let sum = module.building { words + places }
        // embeddings.LayerNorm.weight, .bias
        let rows = module["LayerNorm"].layerNorm(sum, epsilon: configuration.normEpsilon)
        module.declareOutput(.embedding, nil, rows)
        return rows
    }

    /// out_proj(tanh(dense(first row))).
    private func head(_ rows: Value, _ labels: Int, _ model: ModelModule) -> Value {
        let classifier = model.atRoot("classifier")  // classifier.dense.weight [hidden, hidden], .bias
        let first = classifier.building { rows.rows(at: model.firstRows) }
        let pooled = classifier["dense"].linear(first, to: sizes.hidden, bias: true).applying(.tanh)
        let projection = classifier["out_proj"]  // classifier.out_proj.weight [labels, hidden], .bias
        projection.declareInput(.poolerOutput, nil, pooled, rowSpace: .sequences)
        let logits = projection.linear(pooled, to: labels, bias: true)
        classifier.declareOutput(.logits, nil, logits, input: rows, rowSpace: .sequences)
        return logits
    }
}
