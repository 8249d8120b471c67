import InterventionDSL
import Models

/// One sequence of tokens with what is known about it.
public struct Example: Hashable, Sendable {
    /// Token ids.
    public var tokens: [Int32]
    /// What is to be predicted, if anything.
    public var target: Target
    /// The number of leading tokens that are the prompt; nil leaves it to the labels.
    public var givenPromptLength: Int?
    /// Segment ids of encoder models, one for each token; zeros if nil.
    public var tokenTypes: [Int32]?
    /// Positions of this example under the names that programs use, as `.field("subject")`.
    public var fields: [String: [Int]]
    /// The coordinates that this example chooses of declarations whose subspace is chosen per example, by their names.
    public var subspaces: [String: SubspaceChoice]
    /// The sequence of each source run that this one reads, by the run's name. Equal ones of a batch are computed once.
    public var sources: [String: Example]
    /// The place of this example's adapter in the session's bank; nil for none.
    public var adapterIndex: Int?

    /// The numbers of each row, for models that take such in place of tokens.
    public var features: [[Float]]?

    /// A sequence of rows of numbers, for models without tokens; `tokens` holds a zero for each.
    public init(
        features: [[Float]], target: Target = .none, fields: [String: [Int]] = [:], sources: [String: Example] = [:]
    ) {
        self.init(
            tokens: [Int32](repeating: 0, count: features.count), target: target, fields: fields, sources: sources)
        self.features = features
    }

    /// What is to be predicted of a sequence.
    public enum Target: Hashable, Sendable {
        case none
        /// One label for each token, each standing at its own token: the logits of row i are judged by label i + 1.
        /// −100 is not judged.
        case tokens([Int32])
        /// One label for each token, judged at its own row, as masked language models are; −100 is not judged.
        case ownTokens([Int32])
        /// The class of the sequence.
        case category(Int32)
        /// The number that belongs to the sequence.
        case number(Float)

        /// Whether tokens are predicted.
        public var isOfTokens: Bool {
            switch self {
            case .tokens, .ownTokens: true
            case .none, .category, .number: false
            }
        }
    }

    /// The label that is not judged.
    public static let ignoredLabel: Int32 = -100

    /// A sequence of tokens.
    public init(
        tokens: [Int32], target: Target = .none, promptLength: Int? = nil, tokenTypes: [Int32]? = nil,
        fields: [String: [Int]] = [:], subspaces: [String: SubspaceChoice] = [:], sources: [String: Example] = [:],
        adapterIndex: Int? = nil
    ) {
        self.tokens = tokens
        self.target = target
        self.givenPromptLength = promptLength
        self.tokenTypes = tokenTypes
        self.fields = fields
        self.subspaces = subspaces
        self.sources = sources
        self.adapterIndex = adapterIndex
    }

    /// The number of prompt tokens: the given one, else the index of the first judged label, else all.
    public var promptLength: Int {
        if let givenPromptLength { return givenPromptLength }
        guard case .tokens(let labels) = target else { return tokens.count }
        return labels.firstIndex { $0 != Self.ignoredLabel } ?? tokens.count
    }

    /// Rows whose logits are judged, with their targets: (row i, label i + 1), or (row i, label i) of own tokens.
    public var judgedRows: [(row: Int, target: Int32)] {
        let (labels, distance): ([Int32], Int)
        switch target {
        case .tokens(let given): (labels, distance) = (given, 1)
        case .ownTokens(let given): (labels, distance) = (given, 0)
        case .none, .category, .number: return []
        }
        return labels.indices.dropFirst(distance).compactMap { place in
            labels[place] == Self.ignoredLabel ? nil : (place - distance, labels[place])
        }
    }

    /// The same with labels of tokens judged as a kind of model judges them: at their own rows by masked language models.
    public func judged(by kind: ModelKind) -> Example {
        guard kind == .maskedLanguageModel, case .tokens(let labels) = target else { return self }
        var example = self
        example.target = .ownTokens(labels)
        return example
    }

    /// How many labels the loss counts.
    public var labelCount: Int {
        switch target {
        case .none: 0
        case .tokens, .ownTokens: judgedRows.count
        case .category, .number: 1
        }
    }
}
