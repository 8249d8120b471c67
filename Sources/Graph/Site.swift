/// What a hidden state is within a model, under the name the field uses: `block_output`, `mlp_activation`, …
///
/// The set is open: a model family may name further components.
public struct Component: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    /// The residual stream that enters a block.
    public static let blockInput = Component(rawValue: "block_input")
    /// The residual stream that leaves a block.
    public static let blockOutput = Component(rawValue: "block_output")
    public static let attentionInput = Component(rawValue: "attention_input")
    public static let attentionOutput = Component(rawValue: "attention_output")
    /// What the heads give, side by side: the input of the output projection.
    public static let attentionValueOutput = Component(rawValue: "attention_value_output")
    public static let queryOutput = Component(rawValue: "query_output")
    public static let keyOutput = Component(rawValue: "key_output")
    public static let valueOutput = Component(rawValue: "value_output")
    /// Scaled products of queries and keys before the softmax, −∞ where the mask hides the key: a row for each pair of
    /// query and key, a column for each head.
    public static let attentionScores = Component(rawValue: "attention_scores")
    /// The softmax of the scores over each query's keys, in the same rows and columns; pyvene's `attention_weight`.
    public static let attentionPattern = Component(rawValue: "attention_pattern")
    public static let mlpInput = Component(rawValue: "mlp_input")
    /// The activated hidden layer; in gated networks act(gate), before it meets up.
    public static let mlpActivation = Component(rawValue: "mlp_activation")
    public static let mlpOutput = Component(rawValue: "mlp_output")
    /// What enters the first block.
    public static let embedding = Component(rawValue: "embedding")
    /// The row of the table of positions, in models that add one to the embedding.
    public static let positionEmbedding = Component(rawValue: "position_embedding")
    /// Queries after their norm, before the rotary embedding, in models that norm them.
    public static let queryNormOutput = Component(rawValue: "query_norm_output")
    /// Keys after their norm, before the rotary embedding, in models that norm them.
    public static let keyNormOutput = Component(rawValue: "key_norm_output")
    /// What a mixture's router gives, one column for each expert, before the softmax.
    public static let routerOutput = Component(rawValue: "router_output")
    /// What the experts of a mixture give, side by side like heads; zero where a row does not go to the expert.
    public static let expertOutput = Component(rawValue: "expert_output")
    /// The residual stream after the last norm, on the rows whose logits are read.
    public static let finalNormOutput = Component(rawValue: "final_norm_output")
    /// The states of a recurrent cell, one row for each time step.
    public static let cellOutput = Component(rawValue: "cell_output")
    /// What the pooler of an encoder gives, one row per sequence.
    public static let poolerOutput = Component(rawValue: "pooler_output")
    /// Next-token scores on the rows that are read, or class scores, one row per sequence.
    public static let logits = Component(rawValue: "logits")
}

/// The address of a site: which component of which layer of which run.
public struct SiteID: Hashable, Sendable, CustomStringConvertible {
    /// The run whose values these are; the main one is `base`.
    public var run: String
    /// What the value is: `block_output`, `mlp_activation`, …
    public var component: Component
    /// Counted from 0; nil where the component exists once per model.
    public var layer: Int?

    public init(_ component: Component, layer: Int? = nil, run: String = "base") {
        self.component = component
        self.layer = layer
        self.run = run
    }

    public var description: String {
        let name = layer.map { "\(component).\($0)" } ?? "\(component)"
        return run == "base" ? name : "\(run):\(name)"
    }
}

/// A named value of a model's graph, which interventions may read and edit.
public struct Site: Hashable, Sendable {
    /// Its address.
    public var id: SiteID
    /// The value of the graph that it names.
    public var value: ValueID
    /// The input of the module whose output this is, for interventions that read both.
    public var moduleInput: ValueID?
    /// The number of columns.
    public var width: Int
    /// The number of heads that lie side by side in the columns, where the component has heads.
    public var heads: Int?
    /// Which rows the value has.
    public var rowSpace: RowSpace
    /// The Hugging Face spelling, `model.layers[3].mlp.output`.
    public var modulePath: String
    /// Of a recurrence's states, the values that an edit acts on, one for each time step, each with the rows of
    /// `value`; see ``GraphBuilder/recurrence(_:_:steps:width:modulePath:cell:)``. Empty for all other sites.
    public var steps: [ValueID]

    public init(
        id: SiteID, value: ValueID, moduleInput: ValueID? = nil, width: Int, heads: Int? = nil, rowSpace: RowSpace,
        modulePath: String, steps: [ValueID] = []
    ) {
        self.id = id
        self.value = value
        self.moduleInput = moduleInput
        self.width = width
        self.heads = heads
        self.rowSpace = rowSpace
        self.modulePath = modulePath
        self.steps = steps
    }
}

/// Which rows a value has.
public enum RowSpace: String, Hashable, Sendable {
    /// One row for each token of the batch.
    case tokens
    /// One row for each token whose logits are read.
    case demanded
    /// One row for each sequence.
    case sequences
    /// One row for each pair of a query and a key of one sequence, the keys of its first query first.
    case pairs
    /// The same with the keys of another run's sequence (cross attention).
    case crossPairs = "cross_pairs"

    /// Whether there is a row for each pair of a query and a key.
    public var isPaired: Bool { self == .pairs || self == .crossPairs }
}
