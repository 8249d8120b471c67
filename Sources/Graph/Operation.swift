/// What a node computes. All values are matrices; shapes are given for each case, `n` rows and `c` columns.
///
/// Attributes are part of the operation, so that two nodes with equal operations and inputs compute the same value.
public enum Operation: Hashable, Sendable {
    // MARK: Leaves

    /// A value bound with each batch, such as `base.tokens`.
    case input(String)
    /// A frozen tensor of the model, named as in its Hugging Face checkpoint. Vectors are `[1, n]`.
    case weight(String)
    /// A trained tensor of the program, by its name in the parameter store.
    case parameter(String)
    /// A constant tensor, by its index in ``ComputationGraph/constants``.
    case constant(Int)
    /// The scalar `[1, 1]`.
    case scalar(Double)

    // MARK: Elementwise

    /// f(x).
    case unary(UnaryFunction)
    /// (x, dy) → dy · f′(x).
    case unaryGradient(UnaryFunction)
    /// f(a, b); an extent of 1 on either side is repeated.
    case binary(BinaryFunction)
    /// factor · x + offset.
    case affine(factor: Double, offset: Double)
    /// (gate, up) → f(gate) · up, in one pass.
    case gated(UnaryFunction)
    /// (gate, up, dy) → d gate, d up.
    case gatedGradient(UnaryFunction)

    // MARK: Reductions and repetition

    /// [n, c] → [1, c] over rows, [n, 1] over columns, [1, 1] over all.
    case sum(SumAxis)
    /// Repeats extents of 1: [1, c], [n, 1] or [1, 1] → the shape.
    case broadcast(Shape)
    /// Softmax of each row.
    case softmax
    /// (softmax y, dy) → y · (dy − Σ y·dy).
    case softmaxGradient
    /// Logarithm of the softmax of each row.
    case logSoftmax
    /// (log-softmax y, dy) → dy − exp(y) · Σ dy.
    case logSoftmaxGradient

    // MARK: Normalisation

    /// (x [n, c], weight [1, c / groups]) → x / √(mean(x²) + ε) · (offset + weight), for each column group.
    case rmsNorm(RMSNormAttributes)
    /// (x, weight, dy) → dx.
    case rmsNormGradient(RMSNormAttributes)
    /// (x, weight, dy) → d weight [1, c / groups].
    case rmsNormWeightGradient(RMSNormAttributes)
    /// (x [n, c], weight [1, c], bias [1, c]) → (x − mean) / √(variance + ε) · weight + bias.
    case layerNorm(epsilon: Double)
    /// (x, weight, dy) → dx.
    case layerNormGradient(epsilon: Double)
    /// (x, dy) → d weight [1, c].
    case layerNormWeightGradient(epsilon: Double)

    // MARK: Products and layout

    /// (a, b[, bias [1, c]]) → op(a) · op(b) + bias, where op transposes or not.
    case matmul(transposeLeft: Bool, transposeRight: Bool)
    /// (rows [n, k], matrices [groups · k, m], group of each row, index [n, 1]) → [n, m]: each row times the matrix of its
    /// group, one matrix below the other. With `transposeRight` the matrices are [m, k] each.
    case groupedMatmul(groups: Int, transposeRight: Bool)
    /// [n, c] → [c, n].
    case transpose
    /// [n, c] → [n, count], the columns from `start` on.
    case sliceColumns(start: Int, count: Int)
    /// (base [n, c], part [n, p]) → base with the columns from `start` on replaced by part.
    case replaceColumns(start: Int)
    /// part [n, p] → [n, total], zero outside the columns from `start` on.
    case padColumns(start: Int, total: Int)
    /// Parts side by side.
    case concatenateColumns
    /// Rows whose columns are blocks of equal width; see ``ColumnBlockOperation``.
    case blocks(ColumnBlockOperation)

    // MARK: Mixtures

    /// x [n, c] → the largest `count` numbers of each row, falling, and their columns as numbers, both [n, count].
    /// Only the first result has a gradient.
    case topK(Int)
    /// (x, experts [n, k], matrices …) → each row times the matrices of its experts; see ``ExpertProduct``.
    case expertProduct(ExpertProduct)
    /// (x, experts [n, k], dy, matrix) → d matrix of one expert.
    case expertWeightGradient(ExpertProduct, expert: Int)

    // MARK: Rows

    /// (table [t, c], indices [n, 1]) → the rows of the table at the indices, [n, c].
    case gatherRows
    /// (base [n, c], indices [k, 1], rows [k, c]) → base with the rows at the indices replaced. Indices are distinct.
    case scatterRows
    /// (rows [k, c], indices [k, 1]) → [count, c], zero but for the sum of the rows sent to each index.
    case scatterAddRows(count: Dimension)

    // MARK: Positions

    /// (positions [n, 1], frequencies [1, r]) → factor · cos(position · frequency), [n, r].
    case rotaryCosine(factor: Double)
    /// (positions [n, 1], frequencies [1, r]) → factor · sin(position · frequency), [n, r].
    case rotarySine(factor: Double)
    /// (x [n, heads · headSize], cosine [n, r], sine [n, r]) → the first 2r columns of each head rotated.
    case rotate(RotaryAttributes)

    // MARK: Attention

    /// Live queries over stored, parameter and live keys and values; see ``AttentionAttributes`` for the inputs.
    /// Results: the output [n, heads · valueSize] and the logarithm of the softmax denominators [n, heads].
    case attention(AttentionAttributes)
    /// The inputs of the attention, then its output, its second result and d output.
    /// Results: d query, d key, d value, and where the attention has them d parameter keys and d parameter values.
    case attentionGradient(AttentionAttributes)

    // MARK: Attention by pairs of queries and keys

    /// (query [n, heads · headSize], key [m, keyHeads · headSize], offsets[, key offsets]) → scores [pairs, heads],
    /// scaled and under the soft cap; −∞ where the mask hides the key.
    case attentionScores(PairAttributes)
    /// (query, key, d scores, offsets…) → d query, d key.
    case attentionScoresGradient(PairAttributes)
    /// (scores [pairs, heads], offsets…) → their softmax over the visible keys of each query, 0 elsewhere.
    case attentionPattern(PairAttributes)
    /// (pattern p, dp, offsets…) → d scores = p · (dp − Σ p·dp) over the keys of each query.
    case attentionPatternGradient(PairAttributes)
    /// (pattern [pairs, heads], value [m, keyHeads · valueSize], offsets…) → Σ pattern · value over the visible keys of
    /// each query, [n, heads · valueSize].
    case attentionMix(PairAttributes)
    /// (pattern, value, dy, offsets…) → d pattern, d value.
    case attentionMixGradient(PairAttributes)
    /// (table [buckets, heads], offsets…) → the row of each pair's bucket, [pairs, heads].
    case positionBias(PositionBiasAttributes)
    /// (d bias [pairs, heads], offsets…) → d table.
    case positionBiasGradient(PositionBiasAttributes)

    // MARK: Loss

    /// (logits [n, v], targets [n, 1]) → −log softmax(logits)[target], [n, 1]; 0 where the target is negative.
    case crossEntropy
    /// (logits [n, v], targets [n, 1], dy [n, 1]) → dy · (softmax(logits) − onehot(target)).
    case crossEntropyGradient
    /// (rows [n, h], matrix [v, h], targets [n, 1]) → the cross-entropy of the logits rows · matrixᵀ, [n, 1], and its derivative
    /// with respect to each row, (softmax(logits) − onehot(target)) · matrix, [n, h]. The logits are never held together.
    case linearCrossEntropy

    // MARK: Randomness

    /// (seed index [1, 1]) → numbers from the counter-based generator keyed by the seed and the stream.
    case random(RandomAttributes)
}

/// A function of one number.
public enum UnaryFunction: String, Hashable, Sendable, CaseIterable, Codable {
    case negate, absolute, square, squareRoot, reciprocalSquareRoot, reciprocal, exponential, logarithm
    case relu, sigmoid, tanh, softplus
    /// x · σ(x).
    case silu
    /// x · Φ(x), with the error function.
    case gelu
    /// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    case geluTanh
    /// x · σ(1.702 x).
    case quickGelu
}

/// A function of two numbers.
public enum BinaryFunction: String, Hashable, Sendable, CaseIterable, Codable {
    case add, subtract, multiply, divide, maximum, minimum
    /// 1 where a > b, else 0. Has no gradient.
    case greater
}

/// Which elements a sum runs over.
public enum SumAxis: String, Hashable, Sendable {
    /// Over rows: [n, c] → [1, c].
    case rows
    /// Over columns: [n, c] → [n, 1].
    case columns
    /// Over everything: [1, 1].
    case all
}

/// Attributes of root-mean-square normalisation (Zhang & Sennrich 2019).
public struct RMSNormAttributes: Hashable, Sendable {
    /// Added to the mean of squares under the root.
    public var epsilon: Double
    /// Added to the weight: 0, or 1 where the checkpoint stores weight − 1 (Gemma).
    public var weightOffset: Double
    /// Column groups that are normalised on their own with one shared weight (query and key norms per head).
    public var groups: Int

    public init(epsilon: Double, weightOffset: Double = 0, groups: Int = 1) {
        self.epsilon = epsilon
        self.weightOffset = weightOffset
        self.groups = groups
    }
}

/// Attributes of rotary position embedding (Su et al. 2021).
public struct RotaryAttributes: Hashable, Sendable {
    /// Heads side by side in the columns.
    public var heads: Int
    /// Columns of a head, of which the first 2r are rotated.
    public var headSize: Int
    /// Pairs are columns (2i, 2i+1) of a head if true, (i, i + r) if false, where r is half the rotated width.
    public var interleaved: Bool
    /// Rotates backwards; this is the gradient.
    public var inverse: Bool

    public init(heads: Int, headSize: Int, interleaved: Bool = false, inverse: Bool = false) {
        self.heads = heads
        self.headSize = headSize
        self.interleaved = interleaved
        self.inverse = inverse
    }
}

/// Attributes of the one attention operation.
///
/// Inputs, in order: query [n, heads · headSize], key [n, keyHeads · headSize], value [n, keyHeads · valueSize],
/// offsets (index [sequences + 1, 1], the first row of each sequence and the end), then if ``hasParameterKeys``
/// parameter keys [m, keyHeads · headSize] and values [m, keyHeads · valueSize], seen by every query.
/// Query head h reads key head h / (heads / keyHeads).
/// score = scale · q·k, then softCap · tanh(score / softCap) if given, masked, softmax, times the values.
public struct AttentionAttributes: Hashable, Sendable {
    /// Query heads.
    public var heads: Int
    /// Key and value heads; they divide the query heads evenly.
    public var keyHeads: Int
    /// Columns of a query and of a key.
    public var headSize: Int
    /// Columns of a value, and of what a head gives.
    public var valueSize: Int
    /// The factor of the scores; 1 / √headSize unless given.
    public var scale: Double
    /// Scores s become softCap · tanh(s / softCap); nil leaves them.
    public var softCap: Double?
    /// Whether a query sees no key that comes later.
    public var causal: Bool
    /// A query sees only keys that are fewer than this many positions away: behind it, or either way if not causal.
    public var window: Int?
    /// Whether there are keys and values that every query sees (prefix tuning).
    public var hasParameterKeys: Bool
    /// The slot of the key/value store that earlier rows of each sequence are read from and live rows appended to.
    public var store: Int?

    public init(
        heads: Int, keyHeads: Int, headSize: Int, valueSize: Int? = nil, scale: Double? = nil, softCap: Double? = nil,
        causal: Bool, window: Int? = nil, hasParameterKeys: Bool = false, store: Int? = nil
    ) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.valueSize = valueSize ?? headSize
        self.scale = scale ?? 1 / Double(headSize).squareRoot()
        self.softCap = softCap
        self.causal = causal
        self.window = window
        self.hasParameterKeys = hasParameterKeys
        self.store = store
    }
}

/// Attributes of a random value: element i is number i of the Philox 4×32-10 stream keyed by (seed, stream).
public struct RandomAttributes: Hashable, Sendable {
    public enum Distribution: Hashable, Sendable {
        /// In [0, 1).
        case uniform
        /// Mean 0, variance 1.
        case normal
        /// 1 / keep with probability keep, else 0: multiplying by it is dropout that keeps the mean.
        case dropoutMask(keep: Double)
    }
    public var distribution: Distribution
    /// Streams of one seed do not overlap.
    public var stream: UInt32
    public var shape: Shape

    public init(_ distribution: Distribution, stream: UInt32, shape: Shape) {
        self.distribution = distribution
        self.stream = stream
        self.shape = shape
    }
}
