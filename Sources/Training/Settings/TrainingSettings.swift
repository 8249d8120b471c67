import Runtime
import Session

/// How a program is trained. The defaults are those of the examples: AdamW without decay, linear schedule.
public struct TrainingSettings: Codable, Hashable, Sendable {
    /// How often every example is seen.
    public var epochs: Int
    /// Examples in a batch.
    public var batchSize: Int
    /// The most token rows of a batch: examples are taken in their order until the next one would not fit. An example that
    /// is longer is a batch of its own. nil for ``batchSize`` examples in each batch.
    public var batchTokens: Int?
    /// How much each label counts; nil for ``LabelWeighting/epoch`` with ``batchTokens``, whose batches have unequal numbers
    /// of labels, and ``LabelWeighting/step`` without.
    public var labelWeighting: LabelWeighting?
    /// Batches whose gradients are added before the parameters move. See ``LabelWeighting``.
    public var gradientAccumulation = 1
    /// The peak learning rate.
    public var learningRate: Double
    /// How the learning rate changes after the warm-up.
    public var schedule = LearningRateSchedule.Shape.linear
    /// The share of all steps over which the learning rate rises from 0, or their number if 1 or more.
    public var warmup = 0.0
    /// AdamW's decoupled weight decay.
    public var weightDecay = 0.0
    /// Gradients are scaled down to this global norm; nil leaves them.
    public var clip: Double?
    /// Keyed with every random choice: first values, order of examples, dropout.
    public var seed: UInt64
    /// Whether the examples are put into a new order each epoch.
    public var shuffles = true
    /// How an orthonormal parameter moves: back onto the manifold after each step, or as PyTorch's product of reflectors.
    public var orthonormalMap = OptimizerSettings.OrthonormalMap.retraction
    /// Whether values that no edit reaches are computed once and kept; see ``Trainer/reuse``. The same results but for
    /// rounding.
    public var reusesActivations = true
    /// Which values are computed again in the backward pass instead of being kept. The same bits with any choice; see
    /// ``Trainer/recomputation`` for what it costs.
    public var recomputation = Recomputation.attention

    /// The default settings, but for the given ones.
    public init(epochs: Int = 3, batchSize: Int = 8, learningRate: Double = 4e-3, seed: UInt64 = 42) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.seed = seed
    }

    /// How much each label counts, where nothing is said too.
    var weighting: LabelWeighting { labelWeighting ?? (batchTokens == nil ? .step : .epoch) }

    /// The steps that the optimiser takes on these examples.
    public func stepCount(for examples: [Example]) -> Int { EpochSteps(EpochOrder(settings: self, examples)).total }

    /// The steps that the optimiser takes on so many examples, in batches of ``batchSize``.
    public func stepCount(examples: Int) -> Int { epochs * stepsPerEpoch(examples: examples) }

    /// The optimiser's steps in an epoch of batches of ``batchSize`` examples; the last may have fewer batches.
    public func stepsPerEpoch(examples: Int) -> Int {
        let perStep = batchSize * gradientAccumulation
        return (examples + perStep - 1) / perStep
    }

    /// The learning rate of each step of a training on so many examples.
    public func learningRates(examples: Int) -> LearningRateSchedule {
        learningRates(steps: stepCount(examples: examples))
    }

    /// The learning rate of each step of a training of so many steps.
    func learningRates(steps: Int) -> LearningRateSchedule {
        let warmupSteps = warmup < 1 ? Int((warmup * Double(steps)).rounded(.up)) : Int(warmup)
        return LearningRateSchedule(schedule, peak: learningRate, warmupSteps: warmupSteps, totalSteps: steps)
    }

    /// The steps of each epoch are counted before the first one where they differ.
    private static let mostEpochsOfTokens = 100_000

    /// What the optimiser is told.
    var optimizer: OptimizerSettings {
        var settings = OptimizerSettings.adamW(weightDecay: weightDecay)
        settings.orthonormalMap = orthonormalMap
        settings.gradientNormLimit = clip
        return settings
    }

    /// What is wrong with the settings, in sentences.
    public func problems() -> [String] {
        var problems: [String] = []
        func require(_ holds: Bool, _ message: String) { if !holds { problems.append(message) } }
        // The limit keeps the counts of steps and rows within an Int.
        let limit = Int(Int32.max)
        func requireCount(_ value: Int, _ name: String) {
            require((1...limit).contains(value), "\(name) must be at least 1 and at most \(limit), not \(value)")
        }
        requireCount(epochs, "--epochs")
        requireCount(batchSize, "--batch-size")
        if let batchTokens {
            requireCount(batchTokens, "--batch-tokens")
            require(
                epochs <= Self.mostEpochsOfTokens,
                "--epochs must be at most \(Self.mostEpochsOfTokens) with --batch-tokens, not \(epochs)")
        }
        requireCount(gradientAccumulation, "--gradient-accumulation")
        require(learningRate.isFinite && learningRate >= 0, "--learning-rate must be 0 or more, not \(learningRate)")
        require(
            warmup >= 0 && warmup <= Double(limit), "--warmup must be 0 or more and at most \(limit), not \(warmup)")
        require(weightDecay.isFinite && weightDecay >= 0, "--weight-decay must be 0 or more, not \(weightDecay)")
        switch recomputation {
        case .none, .attention, .everyBlock: break
        case .blocks(let count): require(count >= 0, "--recompute must be 0 or more blocks, not \(count)")
        case .fitting(let bytes): require(bytes > 0, "--activation-memory must be above 0, not \(bytes)")
        }
        if let clip { require(clip.isFinite && clip > 0, "--clip must be above 0, not \(clip)") }
        return problems
    }
}
