import CKernels
import Graph

/// Moves the parameters of a store by their gradients: AdamW or SGD, with parameters' constraints kept.
///
/// Matrices with orthonormal columns stay orthonormal by a ``OptimizerSettings/OrthonormalMap``. Weight decay never
/// acts against that: under `retraction` there is none, because it would scale R only; under `householder` it acts on the
/// free matrix below its diagonal. A parameter that got no gradient stays where it is, as in torch, whose `grad` is None then.
///
/// ```swift
/// let optimizer = try Optimizer(store, settings: .adamW())
/// for step in 0..<schedule.totalSteps {
///     …                                                  // gradients into the store
///     let norm = try optimizer.step(learningRate: schedule.rate(atStep: step))
///     store.clearGradients()
/// }
/// ```
public final class Optimizer {
    /// What it was made with.
    public let settings: OptimizerSettings
    /// How many steps have been made.
    public internal(set) var stepCount = 0
    let store: ParameterStore
    var states: [ParameterState]

    /// What moves for one parameter, with its moments.
    struct ParameterState {
        var variable: TrainedVariable
        /// Adam's first moments, or the velocity of SGD.
        var first: [Float]
        /// Adam's second moments; empty for SGD.
        var second: [Float]
        /// Whether it moves in this step: it has a gradient, and no plan, which is its store's affair.
        var moves: Bool { variable.entry.hasGradient && variable.entry.specification.schedule == nil }
    }

    /// Starts with no steps made. Constrained parameters start from their values in the store.
    /// - Throws: ``RuntimeError/setting(name:given:allowed:)``.
    public init(_ store: ParameterStore, settings: OptimizerSettings) throws(RuntimeError) {
        try settings.check()
        self.store = store
        self.settings = settings
        states = store.entries.map { entry in
            let variable: TrainedVariable
            switch (entry.specification.constraint, settings.orthonormalMap) {
            case (.none, _): variable = TrainedVariable(entry)
            case (.orthonormalColumns, .retraction): variable = RetractedColumns(entry)
            case (.orthonormalColumns, .householder): variable = HouseholderColumns(entry)
            }
            let zeros = [Float](repeating: 0, count: variable.count)
            if case .adamW = settings.method { return ParameterState(variable: variable, first: zeros, second: zeros) }
            return ParameterState(variable: variable, first: zeros, second: [])
        }
    }

    /// Moves all parameters by the gradients in the store, which are left as they are but for clipping.
    ///
    /// - Returns: the joint norm of all gradients before clipping; of those of the free matrices where there are some,
    ///   as torch sees them.
    /// - Throws: ``RuntimeError/notFinite(parameter:what:)`` before anything is moved.
    @discardableResult
    public func step(learningRate: Double) throws(RuntimeError) -> Double {
        guard learningRate.isFinite else {
            throw .setting(name: "learning rate", given: "\(learningRate)", allowed: "finite numbers")
        }
        for state in states where state.moves { state.variable.pullBack() }
        let norm = try clippedGradientNorm()
        stepCount += 1
        for place in states.indices where states[place].moves { move(&states[place], learningRate) }
        return norm
    }

    /// torch's `clip_grad_norm_`: gradients ← gradients · min(1, limit / (norm + 1e-6)).
    private func clippedGradientNorm() throws(RuntimeError) -> Double {
        var squares = 0.0
        for state in states where state.moves {
            let variable = state.variable
            let square = ck_sum_squares(1, Int64(variable.count), variable.rawGradient, Int64(variable.count))
            guard square.isFinite else {
                throw .notFinite(parameter: variable.entry.specification.name, what: "gradient")
            }
            squares += square
        }
        let norm = squares.squareRoot()
        if let limit = settings.gradientNormLimit, limit / (norm + 1e-6) < 1 {
            let factor = Float(limit / (norm + 1e-6))
            for state in states where state.moves {
                let (gradient, count) = (state.variable.rawGradient, Int64(state.variable.count))
                ck_scale_shift(1, count, factor, 0, gradient, count, gradient, count)
            }
        }
        return norm
    }

    private func move(_ state: inout ParameterState, _ learningRate: Double) {
        let variable = state.variable
        let count = Int64(variable.count)
        let decay = variable.decays ? settings.weightDecay : 0
        variable.beforeMove()
        switch settings.method {
        case .adamW(let beta1, let beta2, let epsilon):
            ck_adamw_step(
                count, variable.raw, variable.rawGradient, &state.first, &state.second, learningRate, beta1, beta2,
                epsilon, decay, Int64(stepCount))
        case .sgd(let momentum, let dampening, let nesterov):
            ck_sgd_step(
                count, variable.raw, variable.rawGradient, &state.first, learningRate, momentum, dampening, decay,
                nesterov, stepCount == 1)
        }
        variable.afterMove()
    }
}

// MARK: - torch's raw form

extension Optimizer {
    /// Starts a parameter from the raw state of torch's Householder parametrisation.
    ///
    /// - Parameters:
    ///   - original: the free matrix, rows × columns.
    ///   - base: the orthogonal matrix, rows × rows.
    /// - Throws: ``RuntimeError/specification(name:problem:)`` where the parameter is not trained by that map;
    ///   ``RuntimeError/parameterShape(name:given:wanted:)``.
    public func setHouseholderState(_ name: String, original: [Float], base: [Float]) throws(RuntimeError) {
        let variable = try householder(name)
        let rows = variable.rows
        guard original.count == variable.count, base.count == rows * rows else {
            throw .parameterShape(
                name: name, given: "\(original.count) numbers with a base of \(base.count)",
                wanted: "[\(rows), \(variable.columns)] with a base of [\(rows), \(rows)]")
        }
        variable.set(original: original, denseBase: base)
    }

    /// The free matrix of a parameter that the Householder map trains, and its gradient as the last step saw it.
    /// - Throws: ``RuntimeError/specification(name:problem:)`` where the parameter is not trained by that map.
    public func householderState(_ name: String) throws(RuntimeError) -> (original: [Float], gradient: [Float]) {
        let variable = try householder(name)
        return (
            (0..<variable.count).map { variable.raw[$0] }, (0..<variable.count).map { variable.rawGradient[$0] }
        )
    }

    private func householder(_ name: String) throws(RuntimeError) -> HouseholderColumns {
        let entry = try store.entry(name)
        guard let variable = states.first(where: { $0.variable.entry === entry })?.variable as? HouseholderColumns
        else { throw .specification(name: name, problem: "it is not trained by the Householder map") }
        return variable
    }
}
