import Graph

// MARK: - Configuration

/// Configuration of BERT and RoBERTa, which share the encoder and differ in positions and head.
struct BERTConfiguration: Hashable, Sendable {
    var sizes: ModelSizes
    var kind: ModelKind
    var normEpsilon: Double
    var activation: UnaryFunction
    var segments: Int
    /// Whether the head that scores tokens uses the embedding table.
    var tiesEmbeddings: Bool
    /// The row of the position table that belongs to position 0.
    var firstPosition: Int

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        let isRoBERTa = configuration.modelType == "roberta"
        let name = isRoBERTa ? "Roberta" : "Bert"
        reader.requireArchitecture("\(name)ForSequenceClassification", "\(name)Model", "\(name)ForMaskedLM")
        reader.refuseForeignComputation()
        let hidden = reader.integer("hidden_size")
        let heads = reader.integer("num_attention_heads", in: 1...65_536)
        if reader.isSound("hidden_size", "num_attention_heads"), hidden % heads != 0 {
            reader.refuse("num_attention_heads", allowed: "\"hidden_size\", \(hidden), must be a multiple of it")
        }
        // RoBERTa counts positions from the number after its padding token's.
        firstPosition = isRoBERTa ? reader.integer("pad_token_id", default: 1, in: 0...65_536) + 1 : 0
        let positions = reader.integer("max_position_embeddings")
        if positions <= firstPosition {
            reader.refuse("max_position_embeddings", allowed: "it must be above \(firstPosition)")
        }
        sizes = ModelSizes(
            layers: reader.integer("num_hidden_layers", in: 1...4096), hidden: hidden,
            intermediate: reader.integer("intermediate_size"), heads: heads, keyHeads: heads,
            headSize: max(hidden / heads, 1), vocabulary: reader.integer("vocab_size"),
            context: max(positions - firstPosition, 1), positionLimit: max(positions - firstPosition, 1))
        normEpsilon = reader.number("layer_norm_eps", default: 1e-12)
        activation = reader.choice("hidden_act", default: "gelu", among: activationNames) ?? .gelu
        segments = reader.integer("type_vocab_size", default: 2)
        reader.require("position_embedding_type", .text("absolute"))
        reader.require("embedding_size", .integer(hidden))
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        kind = reader.encoderKind()
        try reader.finish()
    }
}

// MARK: - Attention

/// What the blocks of BERT and of models made like it need to know.
protocol BERTLayout {
    var sizes: ModelSizes { get }
    var normEpsilon: Double { get }
    var activation: UnaryFunction { get }
}

extension BERTConfiguration: BERTLayout {}

/// Attention in both directions; output projection, residual sum and norm follow.
struct BERTAttention {
    let configuration: any BERTLayout
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        func projected(_ name: String, _ component: Component) -> Value {
            let projection = module["self"][name]  // self.query.weight [hidden, hidden], self.query.bias
            let value = projection.linear(rows, to: sizes.hidden, bias: true)
            projection.declareOutput(component, layer, value, input: rows, heads: sizes.heads)
            return value
        }
        let query = projected("query", .queryOutput)
        let key = projected("key", .keyOutput)
        let value = projected("value", .valueOutput)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, causal: false)
        let mixed = module["self"].attention(attributes, layer: layer, query: query, key: key, value: value)
        let output = module["output"]
        output["dense"].declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        let attended = output["dense"].linear(mixed, to: sizes.hidden, bias: true)  // output.dense.weight, .bias
        output["dense"].declareOutput(.attentionOutput, layer, attended, input: rows)
        // output.LayerNorm.weight, .bias
        return output["LayerNorm"].layerNorm(
            output.building { attended + rows }, epsilon: configuration.normEpsilon)
    }
}

// MARK: - MLP

/// dense(act(dense(x))); residual sum and norm follow.
struct BERTMLP {
    let configuration: any BERTLayout
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

struct BERTBlock {
    let attention: BERTAttention
    let mlp: BERTMLP
    let layer: Int

    init(_ configuration: any BERTLayout, layer: Int) {
        attention = BERTAttention(configuration: configuration, layer: layer)
        mlp = BERTMLP(configuration: configuration, layer: layer)
        self.layer = layer
    }

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        module["attention"].declareInput(.attentionInput, layer, rows)
        let output = mlp(attention(rows, module["attention"]), module)
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// BERT (Devlin et al. 2019) and RoBERTa (Liu et al. 2019) as encoders or with a head that classifies sequences or scores
/// tokens.
public struct BERT: ModelArchitecture {
    public static let modelTypes = ["bert", "roberta"]
    public let bodyName: String
    public var kind: ModelKind { configuration.kind }
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: BERTConfiguration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try BERTConfiguration(configuration)
        bodyName = configuration.modelType ?? "bert"
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(
            builder: builder, inputs: inputs, options: options, path: bodyName,
            absentPrefix: kind == .encoder ? "\(bodyName)." : "")
        var rows = embedded(model["embeddings"])
        for layer in 0..<sizes.layers {
            let block = BERTBlock(configuration, layer: layer)
            rows = block(rows, model["encoder"]["layer"][layer])
        }
        if kind == .maskedLanguageModel {
            return ModelOutputs(logits: maskedHead(rows, model).id, lastHiddenState: rows.id)
        }
        guard case .sequenceClassifier(let labels) = kind else {
            return ModelOutputs(logits: nil, lastHiddenState: rows.id)
        }
        let logits =
            bodyName == "roberta" ? robertaHead(rows, labels.count, model) : bertHead(rows, labels.count, model)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }

    private func embedded(_ module: ModelModule) -> Value {
        // embeddings.word_embeddings.weight [vocabulary, hidden]
        let words = module["word_embeddings"].embedding(module.tokens, count: sizes.vocabulary, width: sizes.hidden)
        // embeddings.token_type_embeddings.weight [segments, hidden]
        let types = module["token_type_embeddings"]
        let segments =
            configuration.segments == 1
            ? types.matrix(rows: 1, columns: sizes.hidden)
            : types.embedding(
                module.builder.input(module.inputs.tokenTypes, .indices(module.inputs.rows)),
                count: configuration.segments, width: sizes.hidden)
        // embeddings.position_embeddings.weight [positions, hidden], from the row of position 0 on
        let part = configuration.firstPosition == 0 ? "weight" : "weight[\(configuration.firstPosition):]"
        let table = module["position_embeddings"]
        let places = table.applied {
            table.matrix(part, rows: sizes.context, columns: sizes.hidden).rows(at: module.positions)
        }
        table.declareOutput(.positionEmbedding, nil, places)
        let sum = module.building { words + segments + places }
        // embeddings.LayerNorm.weight, .bias
        let rows = module["LayerNorm"].layerNorm(sum, epsilon: configuration.normEpsilon)
        module.declareOutput(.embedding, nil, rows)
        return rows
    }

    /// BERT: cls.predictions.transform.dense.weight [hidden, hidden], .bias, .LayerNorm.weight, .bias; cls.predictions.bias
    /// [vocabulary].
    private func maskedHead(_ rows: Value, _ model: ModelModule) -> Value {
        guard bodyName != "roberta" else {
            return model.maskedHead(
                rows, vocabulary: sizes.vocabulary, epsilon: configuration.normEpsilon,
                isTied: configuration.tiesEmbeddings)
        }
        let head = model.atRoot("cls.predictions")
        return head["decoder"].maskedLogits(
            rows, dense: head["transform"]["dense"], width: sizes.hidden, activation: configuration.activation,
            norm: head["transform"]["LayerNorm"], epsilon: configuration.normEpsilon,
            table: configuration.tiesEmbeddings ? model["embeddings"]["word_embeddings"] : head["decoder"], bias: head,
            vocabulary: sizes.vocabulary)
    }

    /// Pooler: tanh(dense(first row)), then the classifier.
    private func bertHead(_ rows: Value, _ labels: Int, _ model: ModelModule) -> Value {
        let pooler = model["pooler"]  // bert.pooler.dense.weight [hidden, hidden], .bias
        let first = pooler.building { rows.rows(at: model.firstRows) }
        let pooled = pooler["dense"].linear(first, to: sizes.hidden, bias: true).applying(.tanh)
        pooler.declareOutput(.poolerOutput, nil, pooled, input: first, rowSpace: .sequences)
        let classifier = model.atRoot("classifier")  // classifier.weight [labels, hidden], .bias
        let logits = classifier.linear(pooled, to: labels, bias: true)
        classifier.declareOutput(.logits, nil, logits, input: pooled, rowSpace: .sequences)
        return logits
    }

    /// out_proj(tanh(dense(first row))).
    private func robertaHead(_ rows: Value, _ labels: Int, _ model: ModelModule) -> Value {
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

extension ModelModule {
    /// The first row of each sequence.
    var firstRows: Value { builder.input(inputs.firstRows, .indices(inputs.sequences)) }

    /// A module beside the body.
    func atRoot(_ path: String) -> ModelModule {
        ModelModule(builder: builder, inputs: inputs, options: options, path: path)
    }
}
