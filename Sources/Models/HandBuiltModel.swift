import Checkpoints
import Graph

/// A model whose graph is written in Swift with ``Graph/GraphBuilder``: no family, no configuration file.
///
/// ```swift
/// let sizes = ModelSizes(layers: 2, hidden: 16, features: 16)
/// let model = try Model(named: "digits", kind: .sequenceClassifier(labels: names), sizes: sizes, weights: tensors) {
///     builder, inputs in
///     var rows = builder.input(inputs.features, .real(inputs.rows, 16))
///     …
///     builder.declareSite(SiteID(.blockOutput, layer: 0, run: inputs.run), rows, modulePath: "layers[0].output")
///     …
///     return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
/// }
/// ```
public struct HandBuiltArchitecture: ModelArchitecture {
    public static let modelTypes: [String] = []
    public let kind: ModelKind
    public let sizes: ModelSizes
    public var bodyName: String { "model" }
    private let body: @Sendable (GraphBuilder, RunInputs) -> ModelOutputs

    /// A model of these extents that `body` builds; it is called once for each run of a program.
    public init(
        kind: ModelKind, sizes: ModelSizes, body: @escaping @Sendable (GraphBuilder, RunInputs) -> ModelOutputs
    ) {
        self.kind = kind
        self.sizes = sizes
        self.body = body
    }

    /// There is no configuration file of such a model.
    public init(configuration: ModelConfiguration) throws(ModelError) {
        throw .notAModel(path: configuration.source, reason: "a hand-built model has no configuration")
    }

    public func build(_ builder: GraphBuilder, inputs: RunInputs, options: BuildOptions) -> ModelOutputs {
        body(builder, inputs)
    }
}

extension ModelSizes {
    /// The extents of a model without heads and tokens.
    ///
    /// - Parameters:
    ///   - features: Columns of the numbers that each row holds in place of a token.
    ///   - steps: The longest sequence; for recurrences the steps that are unrolled.
    public init(layers: Int, hidden: Int, features: Int, steps: Int = 1) {
        self.init(
            layers: layers, hidden: hidden, intermediate: hidden, heads: 1, keyHeads: 1, headSize: hidden,
            vocabulary: 1, context: steps, positionLimit: steps)
        self.features = features
    }
}

extension Model {
    /// A model from a graph and its weights, without files.
    ///
    /// Everything that works with an opened model works with it: programs, training, adapters (with its fingerprint),
    /// drawings. Generation needs token inputs and the key/value store of attention.
    /// - Parameters:
    ///   - name: What messages and adapters call it.
    ///   - weights: The tensors by the names that `body` gives `builder.weight`; vectors have one dimension.
    ///   - body: Builds one run; called for each run of a program with names of its own.
    /// - Throws: ``ModelError/tensors(file:_:)`` for weights that are missing or have another shape,
    ///   ``ModelError/graph(file:_:)`` for a graph that is wrong.
    public convenience init(
        named name: String, kind: ModelKind, sizes: ModelSizes, weights: [StoredTensor],
        body: @escaping @Sendable (GraphBuilder, RunInputs) -> ModelOutputs
    ) throws {
        try self.init(
            HandBuiltArchitecture(kind: kind, sizes: sizes, body: body), named: name, weights: weights)
    }
}
