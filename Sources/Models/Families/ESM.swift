import Graph

// MARK: - Configuration

/// Configuration of ESM-1b and ESM-2.
struct ESMConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var kind: ModelKind
    var normEpsilon: Double
    var activation: UnaryFunction
    /// Angles of rotary positions; nil where there is a table of positions.
    var rotary: RotaryFrequencies?
    /// The row of the table that belongs to position 0.
    var firstPosition: Int
    var normsEmbeddings: Bool
    /// Whether the head that scores tokens uses the embedding table.
    var tiesEmbeddings: Bool
    /// The token that stands for a hidden residue, where embeddings are scaled for the share of them.
    var maskToken: Int?

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("EsmForSequenceClassification", "EsmModel", "EsmForMaskedLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size")
        let heads = reader.integer("num_attention_heads", in: 1...65_536)
        if reader.isSound("hidden_size", "num_attention_heads"), hidden % heads != 0 {
            reader.refuse("num_attention_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        let headSize = max(hidden / heads, 1)
        let positions = reader.integer("max_position_embeddings", default: 1026)
        firstPosition = reader.integer("pad_token_id", default: 1, in: 0...65_536) + 1
        let isRotary =
            reader.choice(
                "position_embedding_type", default: "absolute", among: ["absolute": false, "rotary": true]) ?? false
        if isRotary {
            if headSize % 2 != 0 {
                reader.refuse("num_attention_heads", allowed: "rotary positions need an even size of a head")
            }
            rotary = RotaryFrequencies(base: 10_000, headSize: headSize, scaling: .none, context: positions)
        } else if positions <= firstPosition {
            reader.refuse("max_position_embeddings", allowed: "it must be above \(firstPosition)")
        }
        let context = isRotary ? positions : max(positions - firstPosition, 1)
        let vocabulary = reader.integer("vocab_size")
        sizes = ModelSizes(
            layers: reader.integer("num_hidden_layers", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size"), heads: heads, keyHeads: heads, headSize: headSize,
            vocabulary: vocabulary, context: context, positionLimit: isRotary ? nil : context)
        normEpsilon = reader.number("layer_norm_eps", default: 1e-12)
        activation = reader.choice("hidden_act", default: "gelu", among: activationNames) ?? .gelu
        normsEmbeddings = reader.flag("emb_layer_norm_before", default: false)
        if reader.flag("token_dropout", default: false) {
            maskToken = reader.integer("mask_token_id", in: 0...max(vocabulary - 1, 0))
        }
        reader.require("is_folding_model", .flag(false))
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        for unused in ["mask_token_id", "vocab_list", "esmfold_config"] {
            _ = reader.value(unused)
        }
        kind = reader.encoderKind()
        try reader.finish()
    }
}

// MARK: - Attention

/// Attention in both directions over normed rows; the residual sum follows.
private struct ESMAttention {
    let configuration: ESMConfiguration
    let layer: Int
    let rotary: RotaryTables?

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        // attention.LayerNorm.weight, .bias
        let normed = module["LayerNorm"].layerNorm(rows, epsilon: configuration.normEpsilon)
        func projected(_ name: String, _ component: Component) -> Value {
            let projection = module["self"][name]  // attention.self.query.weight [hidden, hidden], .bias
            let value = projection.linear(normed, to: sizes.hidden, bias: true)
            projection.declareOutput(component, layer, value, input: normed, heads: sizes.heads)
            return value
        }
        let query = projected("query", .queryOutput)
        let key = projected("key", .keyOutput)
        let value = projected("value", .valueOutput)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, causal: false)
        let mixed = module["self"].attention(
            attributes, layer: layer, query: rotated(query), key: rotated(key), value: value)
        let output = module["output"]["dense"]  // attention.output.dense.weight [hidden, hidden], .bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        let attended = output.linear(mixed, to: sizes.hidden, bias: true)
        output.declareOutput(.attentionOutput, layer, attended, input: normed)
        return module["output"].building { attended + rows }
    }

    private func rotated(_ rows: Value) -> Value {
        guard let rotary else { return rows }
        let attributes = RotaryAttributes(heads: configuration.sizes.heads, headSize: configuration.sizes.headSize)
        return rows.builder.node(.rotate(attributes), rows, rotary.cosine, rotary.sine)
    }
}

// MARK: - Block

/// rows + attention(norm(rows)), then + dense(gelu(dense(norm))).
private struct ESMBlock {
    let configuration: ESMConfiguration
    let layer: Int
    let rotary: RotaryTables?

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        module["attention"].declareInput(.attentionInput, layer, rows)
        let attention = ESMAttention(configuration: configuration, layer: layer, rotary: rotary)
        let middle = attention(rows, module["attention"])
        // LayerNorm.weight, .bias
        let normed = module["LayerNorm"].layerNorm(middle, epsilon: configuration.normEpsilon)
        let output = module["output"].building { mlp(normed, module) + middle }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }

    private func mlp(_ rows: Value, _ module: ModelModule) -> Value {
        let intermediate = module["intermediate"]  // intermediate.dense.weight [intermediate, hidden], .bias
        intermediate.declareInput(.mlpInput, layer, rows)
        let expanded = intermediate["dense"].linear(rows, to: configuration.sizes.intermediate, bias: true)
        let activated = intermediate.building { expanded.applying(configuration.activation) }
        intermediate.declareOutput(.mlpActivation, layer, activated, input: expanded)
        let output = module["output"]["dense"]  // output.dense.weight [hidden, intermediate], .bias
        let transformed = output.linear(activated, to: configuration.sizes.hidden, bias: true)
        output.declareOutput(.mlpOutput, layer, transformed, input: rows)
        return transformed
    }
}

// MARK: - Model

/// ESM, language models of proteins (Rives et al. 2021, Lin et al. 2023), as encoders or with a head that classifies
/// sequences or scores tokens.
public struct ESM: ModelArchitecture {
    public static let modelTypes = ["esm"]
    public let bodyName = "esm"
    public var kind: ModelKind { configuration.kind }
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: ESMConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try ESMConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(
            builder: builder, inputs: inputs, options: options, path: bodyName,
            absentPrefix: kind == .encoder ? "\(bodyName)." : "")
        var rows = embedded(model["embeddings"])
        let rotary = configuration.rotary?.nodes(model["encoder"])
        for layer in 0..<sizes.layers {
            let block = ESMBlock(configuration: configuration, layer: layer, rotary: rotary)
            rows = block(rows, model["encoder"]["layer"][layer])
        }
        let norm = model["encoder"]["emb_layer_norm_after"]  // encoder.emb_layer_norm_after.weight, .bias
        let normed = norm.layerNorm(rows, epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, input: rows)
        if kind == .maskedLanguageModel {
            return ModelOutputs(
                logits: model.maskedHead(
                    normed, vocabulary: sizes.vocabulary, epsilon: configuration.normEpsilon,
                    isTied: configuration.tiesEmbeddings
                ).id, lastHiddenState: rows.id)
        }
        guard case .sequenceClassifier(let labels) = kind else {
            return ModelOutputs(logits: nil, lastHiddenState: rows.id)
        }
        return ModelOutputs(logits: head(normed, labels.count, model).id, lastHiddenState: rows.id)
    }

    private func embedded(_ module: ModelModule) -> Value {
        // embeddings.word_embeddings.weight [vocabulary, hidden]
        var rows = module["word_embeddings"].embedding(module.tokens, count: sizes.vocabulary, width: sizes.hidden)
        if let mask = configuration.maskToken { rows = scaledForMasks(rows, mask, module) }
        if configuration.rotary == nil {
            // embeddings.position_embeddings.weight [positions, hidden], from the row of position 0 on
            let table = module["position_embeddings"]
            let part = "weight[\(configuration.firstPosition):]"
            let places = table.applied {
                table.matrix(part, rows: sizes.context, columns: sizes.hidden).rows(at: module.positions)
            }
            table.declareOutput(.positionEmbedding, nil, places)
            let words = rows
            rows = module.building { words + places }
        }
        if configuration.normsEmbeddings {
            // embeddings.layer_norm.weight, .bias
            rows = module["layer_norm"].layerNorm(rows, epsilon: configuration.normEpsilon)
        }
        module.declareOutput(.embedding, nil, rows)
        return rows
    }

    /// Embeddings of masked tokens are zero, and the others are scaled by (1 − 0.12) / (1 − share of masked tokens in the
    /// sequence): 0.12 is the share that was hidden in ESM's training.
    private func scaledForMasks(_ rows: Value, _ mask: Int, _ module: ModelModule) -> Value {
        module.building {
            let builder = module.builder
            let table = ConstantTensor(
                name: "is masked", rows: sizes.vocabulary, columns: 1,
                values: (0..<sizes.vocabulary).map { $0 == mask ? 1 : 0 })
            let isMasked = builder.constant(table).rows(at: module.tokens)
            // With equal scores attention gives each row the mean over its sequence.
            let equal = builder.scalar(0).broadcast(to: isMasked.shape)
            let mean = AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: false)
            let share = builder.node(.attention(mean), equal, equal, isMasked, module.offsets)
            return rows * (1 - isMasked) * (0.88 * (1 - share).applying(.reciprocal))
        }
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
