import Foundation
import Graph
import Runtime
import Session

/// Trains the parameters of a session's program on examples, with the model frozen.
///
/// The loss of a step is the mean over all labels of its batches; what its gradient is, ``LabelWeighting`` says. The same session, examples, settings, threads and
/// machine give the same bits.
///
/// ```swift
/// let trainer = try Trainer(session, examples: examples, settings: settings)
/// let summary = try trainer.run { step in print(step.loss); return true }
/// ```
public final class Trainer {
    public let session: Session
    public let settings: TrainingSettings
    public let examples: [Example]
    /// The steps that have been run, those before a resumption included.
    public private(set) var stepCount = 0
    /// What is computed in each epoch and what is read from the activation store; nil where nothing is reused: it was not
    /// wanted, would save next to nothing, or there is but one epoch.
    public let reuse: ReuseReport?
    /// What computing values again costs and saves in a batch of the longest examples; nil where no
    /// block is computed again.
    public let recomputation: RecomputationReport?
    /// The session's store, or one of the training's own.
    private let activations: ActivationStore
    let optimizer: Optimizer
    private let learningRates: LearningRateSchedule
    private let order: EpochOrder
    private let steps: EpochSteps
    /// The labels of all examples.
    private let labelCount: Int

    /// Checks settings and data; nothing is run.
    /// - Parameter dataName: What errors call the examples, such as the name of their file.
    /// - Throws: ``TrainingError``, ``InputError`` with every problem of the data.
    public init(
        _ session: Session, examples: [Example], settings: TrainingSettings = TrainingSettings(),
        dataName: String = "data"
    ) throws {
        let problems = settings.problems()
        guard problems.isEmpty else { throw TrainingError.settings(problems) }
        guard session.trainedParameterCount > 0 else { throw TrainingError.nothingToTrain }
        try session.checkTrainingData(examples, file: dataName)
        self.session = session
        self.examples = examples
        self.settings = settings
        let store = session.activations ?? ActivationStore()
        activations = store
        optimizer = try Optimizer(session.parameters, settings: settings.optimizer)
        order = EpochOrder(settings: settings, examples)
        steps = EpochSteps(order)
        labelCount = examples.reduce(0) { $0 + $1.labelCount }
        learningRates = settings.learningRates(steps: steps.total)
        let report = settings.reusesActivations && settings.epochs > 1 ? try session.reuseReport(for: examples) : nil
        reuse = report.flatMap { $0.computedShare > 1 - Self.smallestSaving ? nil : $0.stored(in: store) }
        // Its cost is next to nothing, so that nobody needs to be told.
        let isSmall = settings.recomputation == .none || settings.recomputation == .attention
        recomputation =
            isSmall
            ? nil
            : try session.recomputationReport(
                settings.recomputation, for: settings.largestBatch(of: examples),
                reuses: reuse != nil && session.canReuseActivations)
    }

    /// The share of the forward pass below which nothing is stored.
    private static let smallestSaving = 0.05

    /// The steps of the whole training.
    public var plannedSteps: Int { steps.total }

    /// What a batch of the longest examples takes, also where nothing is computed again.
    public func memory() throws -> RecomputationReport {
        if let recomputation { return recomputation }
        return try session.recomputationReport(
            settings.recomputation, for: settings.largestBatch(of: examples),
            reuses: reuse != nil && session.canReuseActivations)
    }

    /// Runs the steps that are left.
    /// - Parameters:
    ///   - receipt: Told which edits fire in each epoch, and how much they change, from the first step that is run.
    ///   - onStep: Called after each step; returns false to stop there.
    /// - Throws: ``TrainingError/diverged(step:loss:)`` before the parameters take a step that is no number.
    public func run(
        receipt: ReceiptRecorder? = nil, onStep: (TrainingStep) throws -> Bool = { _ in true }
    ) throws -> TrainingSummary {
        if let receipt { session.beginReceipt(receipt) }
        let given = session.activations
        session.activations = reuse == nil ? nil : activations
        let recomputed = session.recomputed
        session.recomputed =
            recomputation.map { RecomputedParts(blocks: $0.recomputed, attention: $0.attention) }
            ?? settings.recomputation.parts ?? .none
        defer {
            session.activations = given
            session.recomputed = recomputed
        }
        var lastEpoch: (epoch: Int, losses: [Double]) = (-1, [])
        var seconds = 0.0
        for epoch in steps.epoch(ofStep: stepCount)..<settings.epochs {
            lastEpoch = (epoch, [])
            for batches in order.steps(ofEpoch: epoch).dropFirst(stepCount - steps.start(ofEpoch: epoch)) {
                let step = try runStep(batches, epoch: epoch, receipt)
                seconds += step.seconds
                lastEpoch.losses.append(step.loss)
                guard try onStep(step) else { return try summary(lastEpoch.losses, seconds) }
            }
        }
        return try summary(lastEpoch.losses, seconds)
    }

    private func summary(_ losses: [Double], _ seconds: Double) throws -> TrainingSummary {
        // The last step can be the one that leaves the numbers.
        for specification in session.parameters.specifications {
            guard try session.parameters.values(of: specification.name).allSatisfy(\.isFinite) else {
                throw TrainingError.diverged(step: stepCount, loss: losses.last ?? .nan)
            }
        }
        return TrainingSummary(
            steps: stepCount, plannedSteps: plannedSteps,
            loss: losses.isEmpty ? .nan : losses.reduce(0, +) / Double(losses.count), seconds: seconds,
            trainedParameters: session.trainedParameterCount)
    }

    private func runStep(
        _ batches: [[Int]], epoch: Int, _ receipt: ReceiptRecorder?
    ) throws -> TrainingStep {
        let began = DispatchTime.now().uptimeNanoseconds
        let parts = batches.map { $0.map { examples[$0] } }
        let labels = parts.joined().reduce(0) { $0 + $1.labelCount }
        session.parameters.setScheduled(step: stepCount, of: plannedSteps)
        session.parameters.clearGradients()
        let mean = 1 / Double(max(labels, 1))
        let scale =
            settings.weighting == .step ? mean : Double(steps.count(ofEpoch: epoch)) / Double(max(labelCount, 1))
        var loss = 0.0
        for (place, part) in parts.enumerated() {
            loss += try session.accumulateGradients(
                part, lossScale: scale, seed: seed(ofBatch: place), receipt: receipt,
                epoch: epoch + 1)
        }
        // What is shown is the mean over the step's labels.
        if scale != mean { loss *= mean / scale }
        guard loss.isFinite else { throw TrainingError.diverged(step: stepCount + 1, loss: loss) }
        let rate = learningRates.rate(atStep: stepCount)
        let norm = try optimizer.step(learningRate: rate)
        stepCount += 1
        return TrainingStep(
            step: stepCount, epoch: epoch + 1, loss: loss, learningRate: rate, gradientNorm: norm,
            rows: parts.joined().reduce(0) { $0 + $1.tokens.count }, labels: labels,
            seconds: Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9)
    }

    /// What decides dropout in a batch: a number of its own for each step and batch.
    private func seed(ofBatch place: Int) -> UInt32 {
        var numbers = Philox(
            seed: settings.seed, stream: Philox.stream(named: "dropout"),
            counter: UInt64(stepCount * settings.gradientAccumulation + place))
        return numbers.nextBits()
    }

    func goOn(fromStep step: Int) { stepCount = step }
}
