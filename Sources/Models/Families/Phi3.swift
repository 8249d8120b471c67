import Foundation
import Graph

// MARK: - Configuration

/// Configuration of Phi-3.
struct Phi3Configuration: Hashable, Sendable {
    var sizes: ModelSizes
    var normEpsilon: Double
    var activation: UnaryFunction
    /// Columns of a head that are rotated.
    var rotated: Int
    var rotary: RotaryFrequencies
    /// How far back each layer sees; nil: to the beginning.
    var window: Int?
    /// Whether the logits are computed with the embedding table.
    var tiesEmbeddings: Bool

    init(_ configuration: ModelConfiguration) throws(ModelError) {
        var reader = ConfigurationReader(configuration)
        reader.requireArchitecture("Phi3ForCausalLM")
        // Checkpoints bring code of their own; this is the model that it defines.
        _ = reader.value("auto_map")
        reader.refuseForeignComputation()
        sizes = reader.decoderSizes()
        normEpsilon = reader.number("rms_norm_eps", default: 1e-5)
        activation = reader.choice("hidden_act", default: "silu", among: activationNames) ?? .silu
        reader.require("attention_bias", .flag(false))
        rotated = reader.rotatedColumns("partial_rotary_factor", of: sizes.headSize, default: 1)
        let original = reader.integer("original_max_position_embeddings", default: sizes.context, in: 1...(1 << 30))
        (rotary, sizes.positionLimit) = Self.rotary(&reader, sizes, rotated: rotated, originalContext: original)
        window = reader.value("sliding_window") == nil ? nil : reader.slidingWindow(default: 1)
        tiesEmbeddings = reader.flag("tie_word_embeddings", default: false)
        try reader.finish()
    }

    /// LongRoPE (Ding et al. 2024): one divisor for each pair, short ones up to the original context and long ones
    /// beyond it. A sequence can not change over while its keys are stored, so only the original context is supported.
    private static func rotary(
        _ reader: inout ConfigurationReader, _ sizes: ModelSizes, rotated: Int, originalContext: Int
    ) -> (RotaryFrequencies, positionLimit: Int?) {
        let base = reader.number("rope_theta", default: 10_000)
        func frequencies(_ scaling: RotaryScaling) -> RotaryFrequencies {
            RotaryFrequencies(base: base, headSize: rotated, scaling: scaling, context: sizes.context)
        }
        let divisors = reader.object("rope_scaling") { scaling -> [Double] in
            let key = scaling.value("rope_type") == nil ? "type" : "rope_type"
            _ = scaling.choice(key, default: "none", among: ["longrope": true, "su": true])
            _ = scaling.value("type")
            _ = scaling.divisors("long_factor", pairs: rotated / 2)
            return scaling.divisors("short_factor", pairs: rotated / 2)
        }
        guard let divisors, divisors.count == rotated / 2 else { return (frequencies(.none), nil) }
        var scaled = frequencies(.divisors(divisors))
        let factor = Double(sizes.context) / Double(originalContext)
        if factor > 1 { scaled.factor = (1 + log(factor) / log(Double(originalContext))).squareRoot() }
        return (scaled, originalContext)
    }
}

// MARK: - Attention

/// Grouped-query attention whose query, key and value come from one fused projection.
private struct Phi3Attention {
    let configuration: Phi3Configuration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let sizes = configuration.sizes
        let projection = module["qkv_proj"]  // qkv_proj.weight [(heads + 2 · keyHeads) · headSize, hidden]
        let (queryWidth, keyWidth) = (sizes.heads * sizes.headSize, sizes.keyHeads * sizes.headSize)
        let fused = projection.linear(rows, to: queryWidth + 2 * keyWidth, bias: false)
        func part(_ component: Component, from start: Int, heads: Int) -> Value {
            let columns = start..<start + heads * sizes.headSize
            let part = projection.building { fused.columns(columns) }
            projection.declareOutput(columns: columns, component, layer, part, input: rows, heads: heads)
            return part
        }
        let query = part(.queryOutput, from: 0, heads: sizes.heads)
        let key = part(.keyOutput, from: queryWidth, heads: sizes.keyHeads)
        let value = part(.valueOutput, from: queryWidth + keyWidth, heads: sizes.keyHeads)
        let attributes = AttentionAttributes(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, causal: true,
            window: configuration.window)
        let mixed = module.attention(
            attributes, layer: layer,
            query: module.rotated(query, by: rotary, heads: sizes.heads, headSize: sizes.headSize),
            key: module.rotated(key, by: rotary, heads: sizes.keyHeads, headSize: sizes.headSize), value: value)
        let output = module["o_proj"]  // o_proj.weight [hidden, heads · headSize]
        output.declareInput(.attentionValueOutput, layer, mixed, heads: sizes.heads)
        return output.linear(mixed, to: sizes.hidden, bias: false)
    }
}

// MARK: - MLP

/// down(act(gate) · up), gate and up from one fused projection.
private struct Phi3MLP {
    let configuration: Phi3Configuration
    let layer: Int

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        let width = configuration.sizes.intermediate
        let projection = module["gate_up_proj"]  // gate_up_proj.weight [2 · intermediate, hidden]
        let fused = projection.linear(rows, to: 2 * width, bias: false)
        let (gate, up) = projection.building { (fused.columns(0..<width), fused.columns(width..<2 * width)) }
        let activated = module.building { gate.applying(configuration.activation) }
        module["activation_fn"].declareOutput(.mlpActivation, layer, activated, input: gate)
        let gated = module.building { activated * up }
        return module["down_proj"].linear(gated, to: configuration.sizes.hidden, bias: false)  // down_proj.weight
    }
}

// MARK: - Block

private struct Phi3Block {
    let configuration: Phi3Configuration
    let layer: Int
    let rotary: RotaryTables

    func callAsFunction(_ rows: Value, _ module: ModelModule) -> Value {
        module.declareInput(.blockInput, layer, rows)
        let attentionInput = module["input_layernorm"].rmsNorm(rows, epsilon: configuration.normEpsilon)
        module["self_attn"].declareInput(.attentionInput, layer, attentionInput)
        let attention = Phi3Attention(configuration: configuration, layer: layer, rotary: rotary)
        let attended = attention(attentionInput, module["self_attn"])
        module["self_attn"].declareOutput(.attentionOutput, layer, attended, input: attentionInput)
        let middle = module.building { rows + attended }

        let mlpInput = module["post_attention_layernorm"].rmsNorm(middle, epsilon: configuration.normEpsilon)
        module["mlp"].declareInput(.mlpInput, layer, mlpInput)
        let mlp = Phi3MLP(configuration: configuration, layer: layer)
        let transformed = mlp(mlpInput, module["mlp"])
        module["mlp"].declareOutput(.mlpOutput, layer, transformed, input: mlpInput)
        let output = module.building { middle + transformed }
        module.declareOutput(.blockOutput, layer, output, input: rows)
        return output
    }
}

// MARK: - Model

/// Phi-3 (Abdin et al. 2024): Llama with fused projections, and LongRoPE for long contexts.
public struct Phi3: ModelArchitecture {
    public static let modelTypes = ["phi3"]
    public let kind = ModelKind.causalLanguageModel
    public let bodyName = "model"
    public var sizes: ModelSizes { configuration.sizes }
    let configuration: Phi3Configuration

    public init(configuration: ModelConfiguration) throws(ModelError) {
        self.configuration = try Phi3Configuration(configuration)
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        let model = ModelModule(builder: builder, inputs: inputs, options: options, path: "model")
        let table = model["embed_tokens"]  // model.embed_tokens.weight [vocabulary, hidden]
        var rows = table.embedding(model.tokens, count: sizes.vocabulary, width: sizes.hidden)
        table.declareOutput(.embedding, nil, rows)

        let rotary = configuration.rotary.nodes(model["rotary_emb"])
        for layer in 0..<sizes.layers {
            let block = Phi3Block(configuration: configuration, layer: layer, rotary: rotary)
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
