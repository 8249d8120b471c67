import Graph

// MARK: - Configuration

/// Configuration of T5, versions 1.0 (relu) and 1.1 (gated gelu).
struct T5Configuration: Hashable, Sendable {
    /// Those of the decoder.
    var sizes: ModelSizes
    var encoderLayers: Int
    var normEpsilon: Double
    var activation: UnaryFunction
    var isGated: Bool
    var bucketCount: Int
    var maximumDistance: Int
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("T5ForConditionalGeneration")
        reader.refuseForeignComputation(isEncoderDecoder: true)
        encoderLayers = reader.integer("num_layers", in: 1...4096)
        let heads = reader.integer("num_heads", in: 1...65_536)
        // Positions have no table: sequences may be longer than those the model was trained on.
        let context = reader.integer("n_positions", default: 512)
        sizes = ModelSizes(
            layers: reader.integer("num_decoder_layers", default: encoderLayers, in: 1...4096),
            hidden: reader.integer("d_model"), intermediate: reader.integer("d_ff"), heads: heads, keyHeads: heads,
            headSize: reader.integer("d_kv", in: 1...65_536), vocabulary: reader.integer("vocab_size"),
            context: context)
        normEpsilon = reader.number("layer_norm_epsilon", default: 1e-6)
        let projections: KeyValuePairs<String, (UnaryFunction, Bool)> = [
            "relu": (.relu, false), "gelu": (.gelu, false), "gelu_new": (.geluTanh, false), "silu": (.silu, false),
            // Hugging Face takes "gated-gelu" for the approximation with tanh.
            "gated-gelu": (.geluTanh, true), "gated-gelu_new": (.geluTanh, true), "gated-relu": (.relu, true),
            "gated-silu": (.silu, true),
        ]
        (activation, isGated) =
            reader.choice("feed_forward_proj", default: "relu", among: projections) ?? (.relu, false)
        // Derived from feed_forward_proj when the configuration is read.
        _ = reader.value("dense_act_fn")
        _ = reader.value("is_gated_act")
        bucketCount = reader.integer("relative_attention_num_buckets", default: 32, in: 4...65_536)
        maximumDistance = reader.integer("relative_attention_max_distance", default: 128, in: 1...65_536)
        if bucketCount % 4 != 0 {
            reader.refuse("relative_attention_num_buckets", allowed: "a multiple of 4 is needed")
        }
        if maximumDistance <= bucketCount / 2 {
            reader.refuse("relative_attention_max_distance", allowed: "it must be above \(bucketCount / 2)")
        }
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: true)
        try reader.finish()
    }

    /// How distances share the rows of the table, in the encoder or in the decoder.
    func buckets(bidirectional: Bool) -> PositionBuckets {
        PositionBuckets(count: bucketCount, maximumDistance: maximumDistance, bidirectional: bidirectional)
    }
}

// MARK: - Attention

/// Attention without scale: of a sequence to itself, or of the decoder to the encoder's last rows.
private struct T5Attention {
    /// The names of the sites of one attention.
    struct Sites {
        let query, key, value, scores, pattern, heads: Component

        static let own = Sites(
            query: .queryOutput, key: .keyOutput, value: .valueOutput, scores: .attentionScores,
            pattern: .attentionPattern, heads: .attentionValueOutput)
        static let cross = Sites(
            query: .crossQueryOutput, key: .crossKeyOutput, value: .crossValueOutput, scores: .crossAttentionScores,
            pattern: .crossAttentionPattern, heads: .crossAttentionValueOutput)
    }

    let configuration: T5Configuration
    let layer: Int
    let causal: Bool
    /// What is added to the scores, [pairs, heads].
    let bias: Value?

    /// - Parameters:
    ///   - source: For cross attention, the encoder's module and its last rows.
    func callAsFunction(_ rows: Value, _ module: ModelModule, source: (ModelModule, Value)? = nil) -> Value {
        let sizes = configuration.sizes
        let sites: Sites = source == nil ? .own : .cross
        func projected(_ name: String, _ component: Component, of given: Value, as place: ModelModule) -> Value {
            let projection = place[name]  // q.weight [heads · headSize, hidden]
            let value = projection.linear(given, to: sizes.heads * sizes.headSize, bias: false)
            projection.declareOutput(component, layer, value, input: given, heads: sizes.heads)
            return value
        }
        // Keys and values of cross attention have the rows of the encoder: they are sites of its run.
        let place = source.map { module.within($0.0) } ?? module
        let read = source?.1 ?? rows
        let mixed = module.attention(
            AttentionAttributes(
                heads: sizes.heads, keyHeads: sizes.heads, headSize: sizes.headSize, scale: 1, causal: causal),
            layer: layer, query: projected("q", sites.query, of: rows, as: module),
            key: projected("k", sites.key, of: read, as: place),
            value: projected("v", sites.value, of: read, as: place),
            bias: bias, source: source?.0.inputs, scores: sites.scores, pattern: sites.pattern,
            patternPath: "output[2]")
        let output = module["o"]  // o.weight [hidden, heads · headSize]
        output.declareInput(sites.heads, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: false)
    }
}

// MARK: - MLP

/// wo(act(wi(x))), or wo(act(wi_0(x)) · wi_1(x)).
private struct T5MLP {
    let configuration: T5Configuration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let width = configuration.sizes.intermediate
        let gate = module[configuration.isGated ? "wi_0" : "wi"].linear(rows, to: width, bias: false)
        let activated = module.building { gate.applying(configuration.activation) }
        module["act"].declareOutput(.mlpActivation, layer, activated, input: gate)
        guard configuration.isGated else {
            return module["wo"].linear(activated, to: configuration.sizes.hidden, bias: false)
        }
        let up = module["wi_1"].linear(rows, to: width, bias: false)
        let gated = module.building { activated * up }
        return module["wo"].linear(gated, to: configuration.sizes.hidden, bias: false)
    }
}

// MARK: - Block

/// Norms before attention, cross attention (of the decoder) and MLP; each adds to the residual stream.
private struct T5Block {
    let configuration: T5Configuration
    let layer: Int
    let bias: Value
    let causal: Bool

    func callAsFunction(_ rows: Value, _ module: ModelModule, source: (ModelModule, Value)? = nil) -> Value {
        let epsilon = configuration.normEpsilon
        let parts = module["layer"]
        module.declareInput(.blockInput, layer, rows)

        // layer.0.layer_norm.weight, layer.0.SelfAttention
        let attentionInput = parts[0]["layer_norm"].rmsNorm(rows, epsilon: epsilon)
        let own = parts[0]["SelfAttention"]
        own.declareInput(.attentionInput, layer, attentionInput)
        let attended = T5Attention(configuration: configuration, layer: layer, causal: causal, bias: bias)(
            attentionInput, own)
        own.declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        var middle = parts[0].building { rows + attended }

        if let source {
            // layer.1.layer_norm.weight, layer.1.EncDecAttention
            let crossInput = parts[1]["layer_norm"].rmsNorm(middle, epsilon: epsilon)
            let cross = parts[1]["EncDecAttention"]
            cross.declareInput(.crossAttentionInput, layer, crossInput)
            let crossed = T5Attention(configuration: configuration, layer: layer, causal: false, bias: nil)(
                crossInput, cross, source: source)
            cross.declareOutput(.crossAttentionOutput, layer, crossed, input: crossInput)
            middle = parts[1].building { middle + crossed }
        }

        let last = parts[source == nil ? 1 : 2]  // layer.1 or layer.2: layer_norm.weight, DenseReluDense
        let mlpInput = last["layer_norm"].rmsNorm(middle, epsilon: epsilon)
        let mlp = last["DenseReluDense"]
        mlp.declareInput(.mlpInput, layer, mlpInput)
        let transformed = T5MLP(configuration: configuration, layer: layer)(mlpInput, mlp)
        mlp.declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = last.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// T5 (Raffel et al. 2020): an encoder and a decoder that attends to it.
///
/// A run of the model is its decoder; the encoder is a run of its own (``RunInputs/encoder``), `encoder` for the base run,
/// with its own sequences and sites.
public struct T5: ModelArchitecture {
    public static let modelTypes = ["t5"]
    public let kind = ModelKind.causalLanguageModel
    /// Encoder, decoder and embeddings stand beside each other, without a body around them.
    public let bodyName = ""
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: T5Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try T5Configuration(configuration)
    }

    public let hasEncoder = true

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        func module(_ inputs: RunInputs, _ path: String) -> ModelModule {
            ModelModule(builder: builder, inputs: inputs, options: options, path: path)
        }
        let encoder = module(inputs.encoder, "encoder")
        let (source, _) = stack(encoder, layers: configuration.encoderLayers, source: nil)
        let encoded = encoder["final_layer_norm"].rmsNorm(source, epsilon: configuration.normEpsilon)
        encoder["final_layer_norm"].declareOutput(.finalNormOutput, nil, encoded)

        let decoder = module(inputs, "decoder")
        let (rows, table) = stack(decoder, layers: sizes.layers, source: (encoder, encoded))
        let norm = decoder["final_layer_norm"]  // decoder.final_layer_norm.weight
        var normed = norm.rmsNorm(decoder.demanded(rows), epsilon: configuration.normEpsilon)
        norm.declareOutput(.finalNormOutput, nil, normed, rowSpace: .demanded)
        // A shared table is not made for scores: its rows are √hidden too long.
        if configuration.tiesEmbeddings {
            normed = builder.from(.model("lm_head")) { normed * (1 / Double(sizes.hidden).squareRoot()) }
        }
        let logits = decoder.logits(
            normed, vocabulary: sizes.vocabulary, table: configuration.tiesEmbeddings ? table : nil)
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }

    /// Embeddings and blocks of one side; the rows before the last norm, and the table.
    private func stack(
        _ module: ModelModule, layers: Int, source: (ModelModule, Value)?
    ) -> (rows: Value, table: ModelModule) {
        let table = module.beside("shared")  // shared.weight [vocabulary, hidden]
        var rows = table.embedding(module.tokens, count: sizes.vocabulary, width: sizes.hidden)
        module["embed_tokens"].declareOutput(.embedding, nil, rows)
        // block.0.layer.0.SelfAttention.relative_attention_bias.weight [buckets, heads], for all layers
        let bias = module["block"][0]["layer"][0]["SelfAttention"]["relative_attention_bias"].positionBias(
            configuration.buckets(bidirectional: source == nil), heads: sizes.heads)
        for layer in 0..<layers {
            let block = T5Block(configuration: configuration, layer: layer, bias: bias, causal: source != nil)
            rows = block(rows, module["block"][layer], source: source)
        }
        return (rows, table)
    }
}

extension ModelModule {
    /// This module in the run of another.
    fileprivate func within(_ other: ModelModule) -> ModelModule {
        ModelModule(builder: builder, inputs: other.inputs, options: options, path: path)
    }

    /// A module beside encoder and decoder.
    fileprivate func beside(_ path: String) -> ModelModule {
        ModelModule(builder: builder, inputs: inputs, options: options, path: path)
    }
}

extension Component {
    /// The input of the attention to the encoder.
    public static let crossAttentionInput = Component(rawValue: "cross_attention_input")
    public static let crossAttentionOutput = Component(rawValue: "cross_attention_output")
    /// What the heads of the attention to the encoder give, side by side.
    public static let crossAttentionValueOutput = Component(rawValue: "cross_attention_value_output")
    public static let crossQueryOutput = Component(rawValue: "cross_query_output")
    /// The keys that the decoder makes of the encoder's rows: a site of the encoder's run.
    public static let crossKeyOutput = Component(rawValue: "cross_key_output")
    /// The values that the decoder makes of the encoder's rows: a site of the encoder's run.
    public static let crossValueOutput = Component(rawValue: "cross_value_output")
    /// A row for each pair of a decoder row and an encoder row, a column for each head.
    public static let crossAttentionScores = Component(rawValue: "cross_attention_scores")
    public static let crossAttentionPattern = Component(rawValue: "cross_attention_pattern")
}
