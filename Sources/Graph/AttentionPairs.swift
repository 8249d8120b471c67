import Foundation

/// The rows of values that have one row for each pair of a query and a key of one sequence.
///
/// Sequence i has nᵢ queries and mᵢ keys: those of the key/value store, then the live ones. Its nᵢ · mᵢ rows follow those
/// of the sequences before it, the keys of its first query first. There is a row for every pair, also where the mask
/// hides the key from the query.
public struct PairRows: Hashable, Sendable {
    /// Rows of the queries.
    public var queries: Dimension
    /// Live rows of the keys; those of the queries where a sequence attends to itself.
    public var keys: Dimension
    /// Σ nᵢ · mᵢ: a symbol that is known with the offsets of a batch.
    public var pairs: Dimension
    /// Whether the keys are rows of another batch, with offsets of their own behind those of the queries.
    public var hasKeyOffsets: Bool

    /// The pairs of a batch whose sequences attend to themselves, or with `keys` to the sequences of another batch.
    public init(queries: Dimension, keys: Dimension? = nil, pairs: Dimension) {
        self.queries = queries
        self.keys = keys ?? queries
        self.pairs = pairs
        hasKeyOffsets = keys != nil
    }
}

/// Attributes of the operations that attention consists of where someone looks inside: scores, pattern and mix.
///
/// They share the mask: a key that is hidden from a query by causality or window has the score −∞ and the share 0,
/// whatever an edit writes there, so that a sequence gives the same run whole and run row by row.
public struct PairAttributes: Hashable, Sendable {
    /// Heads, sizes, scale, soft cap, mask and store; parameter keys are not supported.
    public var attention: AttentionAttributes
    public var rows: PairRows

    public init(_ attention: AttentionAttributes, rows: PairRows) {
        self.attention = attention
        self.rows = rows
    }
}

/// Attributes of a bias that depends on the distance of key and query in buckets (Raffel et al. 2020, T5; MPNet).
///
/// Short distances have a bucket each; longer ones share buckets that grow logarithmically up to `maximumDistance`.
public struct PositionBiasAttributes: Hashable, Sendable {
    /// Rows of the table.
    public var buckets: Int
    /// From this distance on all keys share a bucket.
    public var maximumDistance: Int
    /// Whether half of the buckets are for keys behind the query and half for keys before it; otherwise all keys
    /// behind the query are in bucket 0.
    public var bidirectional: Bool
    /// The slot of the key/value store whose rows come before the live ones, as in ``AttentionAttributes/store``.
    public var store: Int?
    public var rows: PairRows

    public init(buckets: Int, maximumDistance: Int, bidirectional: Bool, store: Int? = nil, rows: PairRows) {
        self.buckets = buckets
        self.maximumDistance = maximumDistance
        self.bidirectional = bidirectional
        self.store = store
        self.rows = rows
    }

    /// The bucket of a key `distance` positions behind its query (negative: before it).
    ///
    /// With B buckets for the direction and E = B / 2: distance d < E is bucket d, others are bucket
    /// E + ⌊ln(d / E) / ln(maximum / E) · (B − E)⌋, at most B − 1. In f32, as the frameworks do it.
    public func bucket(distance: Int) -> Int {
        let count = bidirectional ? buckets / 2 : buckets
        let start = bidirectional && distance > 0 ? count : 0
        let length = bidirectional ? abs(distance) : max(-distance, 0)
        let exact = count / 2
        if length < exact { return start + length }
        let share = log(Float(length) / Float(exact)) / Float(log(Double(maximumDistance) / Double(exact)))
        return start + min(exact + Int(share * Float(count - exact)), count - 1)
    }
}

extension Operation {
    /// Where the offsets of the queries are among the inputs, for operations on pairs; those of the keys follow.
    public var pairOffsetsPlace: Int? {
        switch self {
        case .attentionPattern, .positionBias, .positionBiasGradient: 1
        case .attentionScores, .attentionMix, .attentionPatternGradient: 2
        case .attentionScoresGradient, .attentionMixGradient: 3
        default: nil
        }
    }

    /// The pairs that an operation works on, and the slot whose stored rows are among the keys.
    public var pairRows: (rows: PairRows, store: Int?)? {
        switch self {
        case .attentionScores(let attributes), .attentionScoresGradient(let attributes),
            .attentionPattern(let attributes), .attentionPatternGradient(let attributes),
            .attentionMix(let attributes), .attentionMixGradient(let attributes):
            (attributes.rows, attributes.attention.store)
        case .positionBias(let attributes), .positionBiasGradient(let attributes):
            (attributes.rows, attributes.store)
        default: nil
        }
    }
}

extension PairAttributes {
    /// An attribute that makes no sense whatever the inputs are.
    var fault: String? { attention.hasParameterKeys ? "parameter keys, which pairs do not have" : attention.fault }
}

extension PositionBiasAttributes {
    var fault: String? {
        if buckets < (bidirectional ? 4 : 2) || (bidirectional && buckets % 2 != 0) {
            return "\(buckets) buckets, there must be an even number, at least \(bidirectional ? 4 : 2)"
        }
        let exact = (bidirectional ? buckets / 2 : buckets) / 2
        if maximumDistance <= exact { return "a maximum distance of \(maximumDistance), it must be above \(exact)" }
        if let store, store < 0 { return "store slot \(store), slots count from 0" }
        return nil
    }
}
