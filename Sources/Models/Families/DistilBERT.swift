import Graph

// MARK: - Configuration

/// Configuration of DistilBERT.
struct DistilBERTConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var kind: ModelKind
    var activation: UnaryFunction
    /// Whether the head that scores tokens uses the embedding table.
    var tiesEmbeddings: Bool
    /// Fixed by the family.
    let normEpsilon = 1e-12

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture(
            "DistilBertForSequenceClassification", "DistilBertModel", "DistilBertForMaskedLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("dim", default: 768)
        let heads = reader.integer("n_heads", default: 12, in: 1...65_536)
        if reader.isSound("dim", "n_heads"), hidden % heads != 0 {
            reader.refuse("n_heads", allowed: "\"dim\", \(hidden), must be a multiple of it")
        }
        let positions = reader.integer("max_position_embeddings", default: 512)
        sizes = ModelSizes(
            layers: reader.integer("n_layers", default: 6, in: 1...4096), hidden: hidden,
            intermediate: reader.integer("hidden_dim", default: 3072), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"), context: positions,
            positionLimit: positions)
        activation = reader.choice("activation", default: "gelu", among: activationNames) ?? .gelu
        // The sinusoids are stored as the table of positions.
        for unused in [
            "sinusoidal_pos_embds", "dropout", "qa_dropout", "seq_classif_dropout", "tie_weights_",
        ] { _ = reader.value(unused) }
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        kind = reader.encoderKind()
        try reader.finish()
    }
}

// MARK: - Attention

/// Attention in both directions with its output projection.
private struct DistilBERTAttention {
    let configuration: DistilBERTConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component) -> Value {
            let projection = module[name]  // attention.q_lin.weight [hidden, hidden], .bias
            let value = projection.linear(rows, to: sizes.hidden, bias: true)
            projection.declareOutput(component, layer, value, input: rows, heads: sizes.heads)
            return value
        }
        let query = projected("q_lin", .queryOutput)
        let key = projected("k_lin", .keyOutput)
        let value = projected("v_lin", .valueOutput)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, causal: false)
        let mixed = module.attention(attributes, layer: layer, query: query, key: key, value: value)
        let output = module["out_lin"]  // attention.out_lin.weight [hidden, hidden], .bias
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        let attended = output.linear(mixed, to: sizes.hidden, bias: true)
        output.declareOutput(.attentionOutput, layer, attended, input: rows)
        return attended
    }
}

// MARK: - MLP

/// lin2(act(lin1(x))).
private struct DistilBERTMLP {
    let configuration: DistilBERTConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.mlpInput, layer, rows)
        // ffn.lin1.weight [intermediate, hidden], .bias
        let expanded = module["lin1"].linear(rows, to: configuration.sizes.intermediate, bias: true)
        let activated = module.building { expanded.applying(configuration.activation) }
        module["activation"].declareOutput(.mlpActivation, layer, activated, input: expanded)
        // ffn.lin2.weight [hidden, intermediate], .bias
        let transformed = module["lin2"].linear(activated, to: configuration.sizes.hidden, bias: true)
        module["lin2"].declareOutput(.mlpOutput, layer, transformed, input: rows)
        return transformed
    }
}

// MARK: - Block

/// Each half is followed by residual sum and norm.
private struct DistilBERTBlock {
    let configuration: DistilBERTConfiguration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        module["attention"].declareInput(.attentionInput, layer, rows)
        let attended = DistilBERTAttention(configuration: configuration, layer: layer)(rows, module["attention"])
        // sa_layer_norm.weight, .bias
        let middle = module["sa_layer_norm"].layerNorm(
            module.building { attended + rows }, epsilon: configuration.normEpsilon)
        let transformed = DistilBERTMLP(configuration: configuration, layer: layer)(middle, module["ffn"])
        // output_layer_norm.weight, .bias
        let output = module["output_layer_norm"].layerNorm(
            module.building { transformed + middle }, epsilon: configuration.normEpsilon)
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// DistilBERT (Sanh et al. 2019) as an encoder or with a head that classifies sequences or scores tokens. There are no token types.
public struct DistilBERT: ModelArchitecture {
    public static let modelTypes = ["distilbert"]
    public let bodyName = "distilbert"
    public var kind: ModelKind { configuration.kind }
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: DistilBERTConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try DistilBERTConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(
            builder: builder, inputs: inputs, options: options, path: bodyName,
            absentPrefix: kind == .encoder ? "\(bodyName)." : "")
        var rows = embedded(model["embeddings"])
        for layer in 0..<sizes.layers {
            let block = DistilBERTBlock(configuration: configuration, layer: layer)
            rows = block(rows, model["transformer"]["layer"][layer])
        }
        if kind == .maskedLanguageModel {
            return ModelOutputs(logits: maskedHead(rows, model).id, lastHiddenState: rows.id)
        }
        guard case .sequenceClassifier(let labels) = kind else {
            return ModelOutputs(logits: nil, lastHiddenState: rows.id)
        }
        return ModelOutputs(logits: head(rows, labels.count, model).id, lastHiddenState: rows.id)
    }

    /// vocab_transform.weight [hidden, hidden], .bias, vocab_layer_norm.weight, .bias, vocab_projector.bias [vocabulary].
    private func maskedHead(_ rows: Value, _ model: ModelModule) -> Value {
        let projector = model.atRoot("vocab_projector")
        return projector.maskedLogits(
            rows, dense: model.atRoot("vocab_transform"), width: sizes.hidden, activation: configuration.activation,
            norm: model.atRoot("vocab_layer_norm"), epsilon: configuration.normEpsilon,
            table: configuration.tiesEmbeddings ? model["embeddings"]["word_embeddings"] : projector, bias: projector,
            vocabulary: sizes.vocabulary)
    }

    private func embedded(_ module: ModelModule) -> Value {
        // embeddings.word_embeddings.weight [vocabulary, hidden]
        let words = module["word_embeddings"].embedding(module.tokens, count: sizes.vocabulary, width: sizes.hidden)
        // embeddings.position_embeddings.weight [positions, hidden]
        let table = module["position_embeddings"]
        let places = table.embedding(module.positions, count: sizes.context, width: sizes.hidden)
        table.declareOutput(.positionEmbedding, nil, places)
        // embeddings.LayerNorm.weight, .bias
        let rows = module["LayerNorm"].layerNorm(
            module.building { words + places }, epsilon: configuration.normEpsilon)
        module.declareOutput(.embedding, nil, rows)
        return rows
    }

    /// classifier(relu(pre_classifier(first row))).
    private func head(_ rows: Value, _ labels: Int, _ model: ModelModule) -> Value {
        let pooler = model.atRoot("pre_classifier")  // pre_classifier.weight [hidden, hidden], .bias
        let first = pooler.building { rows.rows(at: model.firstRows) }
        let projected = pooler.linear(first, to: sizes.hidden, bias: true)
        let pooled = pooler.building { projected.applying(.relu) }
        let classifier = model.atRoot("classifier")  // classifier.weight [labels, hidden], .bias
        classifier.declareInput(.poolerOutput, nil, pooled, rowSpace: .sequences)
        let logits = classifier.linear(pooled, to: labels, bias: true)
        classifier.declareOutput(.logits, nil, logits, input: pooled, rowSpace: .sequences)
        return logits
    }
}
