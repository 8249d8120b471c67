/// What one step of the optimiser did.
public struct TrainingStep: Codable, Hashable, Sendable {
    /// Counted from 1 over the whole training.
    public var step: Int
    /// Counted from 1.
    public var epoch: Int
    /// The mean over all labels of the step, before the parameters moved.
    public var loss: Double
    public var learningRate: Double
    /// The joint norm of all gradients before clipping.
    public var gradientNorm: Double
    /// Token rows.
    public var rows: Int
    /// Labels.
    public var labels: Int
    /// Wall-clock time.
    public var seconds: Double

    enum CodingKeys: String, CodingKey {
        case step, epoch, loss, rows, labels, seconds
        case learningRate = "learning_rate"
        case gradientNorm = "gradient_norm"
    }
}

/// What a training came to.
public struct TrainingSummary: Codable, Hashable, Sendable {
    public var steps: Int
    /// The steps that were planned; more than ``steps`` if it was stopped.
    public var plannedSteps: Int
    /// The mean of the last epoch's steps that were run.
    public var loss: Double
    /// Wall-clock time of the steps.
    public var seconds: Double
    public var trainedParameters: Int

    /// Whether all planned steps were run.
    public var isComplete: Bool { steps >= plannedSteps }

    enum CodingKeys: String, CodingKey {
        case steps, loss, seconds
        case plannedSteps = "planned_steps"
        case trainedParameters = "trained_parameters"
    }
}

/// What goes wrong with a training as a whole.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
    /// Settings that make no sense, all at once.
    case settings([String])
    /// The program has no parameter.
    case nothingToTrain
    /// The loss, or a parameter after the step, is not a number or infinite.
    case diverged(step: Int, loss: Double)
    /// A saved state can not be gone on from.
    case resume(path: String, problem: String)

    public var description: String {
        switch self {
        case .settings(let problems):
            return problems.joined(separator: "\n")
        case .nothingToTrain:
            return "the program has no parameter to train: none of its interventions has any, and no weight of the "
                + "model is declared trainable"
        case .diverged(let step, let loss):
            let what = loss.isFinite ? "a parameter is no finite number after" : "the loss is \(loss) at"
            return "\(what) step \(step): the learning rate may be too high; nothing was written"
        case .resume(let path, let problem):
            return "\(path): \(problem)"
        }
    }
}
