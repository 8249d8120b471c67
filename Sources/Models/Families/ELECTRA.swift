import Graph

// MARK: - Configuration

/// Configuration of ELECTRA's discriminators and generators, whose embeddings may be narrower than the blocks.
struct ELECTRAConfiguration: BERTLayout, Hashable, Sendable {
    var sizes: ModelSizes
    var kind: ModelKind
    var normEpsilon: Double
    var activation: UnaryFunction
    var segments: Int
    var embeddingWidth: Int
    /// Whether the head that scores tokens uses the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture(
            "ElectraForSequenceClassification", "ElectraModel", "ElectraForPreTraining", "ElectraForMaskedLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size", default: 256)
        let heads = reader.integer("num_attention_heads", default: 4, in: 1...65_536)
        if reader.isSound("hidden_size", "num_attention_heads"), hidden % heads != 0 {
            reader.refuse("num_attention_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        let positions = reader.integer("max_position_embeddings", default: 512)
        sizes = ModelSizes(
            layers: reader.integer("num_hidden_layers", default: 12, in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size", default: 1024), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"), context: positions,
            positionLimit: positions)
        embeddingWidth = reader.integer("embedding_size", default: 128)
        normEpsilon = reader.number("layer_norm_eps", default: 1e-12)
        activation = reader.choice("hidden_act", default: "gelu", among: activationNames) ?? .gelu
        segments = reader.integer("type_vocab_size", default: 2)
        reader.require("position_embedding_type", .text("absolute"))
        _ = reader.value("summary_last_dropout")
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        kind = reader.encoderKind()
        try reader.finish()
    }
}

// MARK: - Model

/// ELECTRA (Clark et al. 2020) as an encoder or with a head that classifies sequences or, a
/// generator's, scores tokens. Its blocks are BERT's.
public struct ELECTRA: ModelArchitecture {
    public static let modelTypes = ["electra"]
    public let bodyName = "electra"
    public var kind: ModelKind { configuration.kind }
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: ELECTRAConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try ELECTRAConfiguration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(
            builder: builder, inputs: inputs, options: options, path: bodyName,
            absentPrefix: kind == .encoder ? "\(bodyName)." : "")
        var rows = embedded(model)
        for layer in 0..<sizes.layers {
            rows = BERTBlock(configuration, layer: layer)(rows, model["encoder"]["layer"][layer])
        }
        if kind == .maskedLanguageModel {
            return ModelOutputs(logits: maskedHead(rows, model).id, lastHiddenState: rows.id)
        }
        guard case .sequenceClassifier(let labels) = kind else {
            return ModelOutputs(logits: nil, lastHiddenState: rows.id)
        }
        return ModelOutputs(logits: head(rows, labels.count, model).id, lastHiddenState: rows.id)
    }

    /// generator_predictions.dense.weight [embedding, hidden], .bias, generator_predictions.LayerNorm.weight, .bias,
    /// generator_lm_head.bias [vocabulary].
    private func maskedHead(_ rows: Value, _ model: ModelModule) -> Value {
        let (transform, head) = (model.atRoot("generator_predictions"), model.atRoot("generator_lm_head"))
        return head.maskedLogits(
            rows, dense: transform["dense"], width: configuration.embeddingWidth, activation: .gelu,
            norm: transform["LayerNorm"], epsilon: configuration.normEpsilon,
            table: configuration.tiesEmbeddings ? model["embeddings"]["word_embeddings"] : head, bias: head,
            vocabulary: sizes.vocabulary)
    }

    private func embedded(_ model: ModelModule) -> Value {
        let module = model["embeddings"]
        let width = configuration.embeddingWidth
        // embeddings.word_embeddings.weight [vocabulary, embedding]
        let words = module["word_embeddings"].embedding(module.tokens, count: sizes.vocabulary, width: width)
        // embeddings.token_type_embeddings.weight [segments, embedding]
        let types = module["token_type_embeddings"].embedding(
            module.builder.input(module.inputs.tokenTypes, .indices(module.inputs.rows)),
            count: configuration.segments, width: width)
        // embeddings.position_embeddings.weight [positions, embedding]
        let table = module["position_embeddings"]
        let places = table.embedding(module.positions, count: sizes.context, width: width)
        table.declareOutput(.positionEmbedding, nil, places)
        // embeddings.LayerNorm.weight, .bias
        let narrow = module["LayerNorm"].layerNorm(
            module.building { words + types + places }, epsilon: configuration.normEpsilon)
        guard width != sizes.hidden else {
            module.declareOutput(.embedding, nil, narrow)
            return narrow
        }
        let projection = model["embeddings_project"]  // embeddings_project.weight [hidden, embedding], .bias
        let rows = projection.linear(narrow, to: sizes.hidden, bias: true)
        projection.declareOutput(.embedding, nil, rows, input: narrow)
        return rows
    }

    /// out_proj(gelu(dense(first row))).
    private func head(_ rows: Value, _ labels: Int, _ model: ModelModule) -> Value {
        let classifier = model.atRoot("classifier")  // classifier.dense.weight [hidden, hidden], .bias
        let first = classifier.building { rows.rows(at: model.firstRows) }
        let projected = classifier["dense"].linear(first, to: sizes.hidden, bias: true)
        let pooled = classifier.building { projected.applying(.gelu) }
        let projection = classifier["out_proj"]  // classifier.out_proj.weight [labels, hidden], .bias
        projection.declareInput(.poolerOutput, nil, pooled, rowSpace: .sequences)
        let logits = projection.linear(pooled, to: labels, bias: true)
        classifier.declareOutput(.logits, nil, logits, input: rows, rowSpace: .sequences)
        return logits
    }
}
