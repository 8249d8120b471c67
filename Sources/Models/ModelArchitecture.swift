import Graph

/// A family of models: reads its configuration and builds its graph.
///
/// A family reads in the order Configuration → Attention → MLP → Block → Model, with the checkpoint's key at each tensor,
/// and refuses configuration values that would change the computation and that it does not implement.
public protocol ModelArchitecture: Sendable {
    /// The values of `model_type` that are of this family.
    static var modelTypes: [String] { get }

    /// Reads a configuration.
    /// - Throws: ``ModelError/configuration(file:_:)`` with every key that is absent, wrong or not understood.
    init(configuration: ModelConfiguration) throws(ModelError)

    /// What the model gives.
    var kind: ModelKind { get }
    /// The extents of the model.
    var sizes: ModelSizes { get }
    /// The module that holds the body of the model, `model`; checkpoints of a body alone leave it out of their names.
    var bodyName: String { get }

    /// Whether a run of the model attends to an encoder, which is a run of its own (``RunInputs/encoder``) with its own
    /// sequences; not unless said so.
    var hasEncoder: Bool { get }

    /// Builds one run of the model: appends nodes and declares sites.
    func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs
}

extension ModelArchitecture {
    public var hasEncoder: Bool { false }

    /// The runs of the model that some runs belong to: themselves, or for the run of an encoder its decoder.
    public func decoderRuns(among names: [String]) -> [String] {
        guard hasEncoder else { return names }
        var decoders: [String] = []
        for decoder in names.map({ RunInputs.decoder(ofEncoder: $0) ?? $0 }) where !decoders.contains(decoder) {
            decoders.append(decoder)
        }
        return decoders
    }
}

/// What a model gives.
public enum ModelKind: Hashable, Sendable {
    /// Scores of the next token.
    case causalLanguageModel
    /// Scores of the token that stands at each row.
    case maskedLanguageModel
    /// Scores of classes, one row per sequence; a single output is a regression.
    case sequenceClassifier(labels: [String])
    /// Hidden states only.
    case encoder

    /// Whether the model scores tokens, one row of scores for each row that is asked for.
    public var scoresTokens: Bool { self == .causalLanguageModel || self == .maskedLanguageModel }

    /// Whether the model predicts a number for each sequence.
    public var predictsNumbers: Bool {
        if case .sequenceClassifier(let labels) = self { labels.count == 1 } else { false }
    }
}

/// The extents of a model.
public struct ModelSizes: Hashable, Sendable, Codable {
    /// Transformer blocks.
    public var layers: Int
    /// The width of the residual stream.
    public var hidden: Int
    /// The width of the hidden layer of the MLP.
    public var intermediate: Int
    /// Query heads of a layer.
    public var heads: Int
    /// Fewer than ``heads`` where several query heads share a key head.
    public var keyHeads: Int
    /// Columns of a head.
    public var headSize: Int
    /// Rows of the embedding table, which may be more than the tokenizer has tokens.
    public var vocabulary: Int
    /// The number of positions the model was made for.
    public var context: Int
    /// The number of positions that exist at all; nil for rotary models, which have no table of positions.
    public var positionLimit: Int?
    /// Columns of the numbers that each row holds in models that take such in place of tokens.
    public var features: Int?

    public init(
        layers: Int, hidden: Int, intermediate: Int, heads: Int, keyHeads: Int, headSize: Int, vocabulary: Int,
        context: Int, positionLimit: Int? = nil
    ) {
        self.layers = layers
        self.hidden = hidden
        self.intermediate = intermediate
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.vocabulary = vocabulary
        self.context = context
        self.positionLimit = positionLimit
    }
}

/// Which variant of a model's graph is built.
public struct BuildOptions: Hashable, Sendable {
    /// Attention reads earlier rows from the key/value store, slot = layer, and appends the live ones.
    public var usesKeyValueStore: Bool

    public init(usesKeyValueStore: Bool = false) { self.usesKeyValueStore = usesKeyValueStore }
}

/// The values that a run of a model ends in.
public struct ModelOutputs: Hashable, Sendable {
    /// Next-token scores [demanded rows, vocabulary] or class scores [sequences, labels]; nil for an encoder.
    public var logits: ValueID?
    /// The output of the last block, [rows, hidden], before any final norm.
    public var lastHiddenState: ValueID

    public init(logits: ValueID?, lastHiddenState: ValueID) {
        self.logits = logits
        self.lastHiddenState = lastHiddenState
    }
}
