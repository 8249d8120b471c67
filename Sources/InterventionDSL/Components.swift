import Graph

/// A component whose columns are divided into heads, for declarations on single heads.
///
/// ```swift
/// Scale(by: 0).on(.headOutput, layer: 5, head: 3).at(.all)
/// ```
public struct HeadComponent: Hashable, Sendable {
    /// The component whose columns the heads share.
    public let component: Component

    /// The heads of a component.
    public init(_ component: Component) { self.component = component }

    /// What a head gives, before the output projection.
    public static let headOutput = HeadComponent(.attentionValueOutput)
    public static let headQuery = HeadComponent(.queryOutput)
    /// Counted in key heads, of which there may be fewer than query heads.
    public static let headKey = HeadComponent(.keyOutput)
    /// Counted in key heads, of which there may be fewer than query heads.
    public static let headValue = HeadComponent(.valueOutput)
    /// A head's scores of all pairs of queries and keys, before the softmax.
    public static let headScores = HeadComponent(.attentionScores)
    /// A head's attention pattern: the shares of all pairs of queries and keys.
    public static let headPattern = HeadComponent(.attentionPattern)

    /// pyvene's names of single heads, and ours.
    static let spellings: [String: HeadComponent] = [
        "head_output": .headOutput, "head_attention_value_output": .headOutput, "head_query_output": .headQuery,
        "head_key_output": .headKey, "head_value_output": .headValue,
    ]
}

extension Component {
    /// Other names of components: pyvene's name of the pattern.
    static let spellings: [String: Component] = ["attention_weight": .attentionPattern]
}

/// A place that exists once per model, a module by its path, or what a selector matches.
///
/// ```swift
/// Noise(level: 3).on(.embedding).at(1...3)
/// Zero().on(.module("model.layers[3].mlp.output")).at(.all)
/// ```
public struct ModelSite: Hashable, Sendable {
    let place: Place

    /// What enters the first block.
    public static let embedding = ModelSite(place: .model(.embedding))
    /// The row of the table of positions, in models that add one to the embedding.
    public static let positionEmbedding = ModelSite(place: .model(.positionEmbedding))
    /// The residual stream after the last norm.
    public static let finalNormOutput = ModelSite(place: .model(.finalNormOutput))
    /// What the pooler of an encoder gives, one row per sequence.
    public static let poolerOutput = ModelSite(place: .model(.poolerOutput))
    /// Next-token scores, or class scores of a classifier.
    public static let logits = ModelSite(place: .model(.logits))

    /// The input or output of a module by its Hugging Face path, `model.layers[3].mlp.output`; without an ending, the
    /// output.
    public static func module(_ path: String) -> ModelSite { ModelSite(place: .module(path)) }

    /// Every site that a selector matches, each with parameters of its own unless tied: `layers[4-8].attention_output`,
    /// `mlp_*.3`, `layers[*].self_attn.*`. A value that has several names is edited once.
    public static func matching(_ selector: String) -> ModelSite { ModelSite(place: .matching(selector)) }

    /// A further component that a model family names.
    public static func component(_ component: Component) -> ModelSite { ModelSite(place: .model(component)) }
}
