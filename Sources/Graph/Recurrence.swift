/// One step of a recurrence that is being built.
public struct RecurrentStep {
    /// Counted from 0.
    public let index: Int
    /// The rows of this step, one for each sequence that is long enough, index [step rows, 1].
    public let rows: Value
    /// The states before this step of the same sequences, [step rows, width]; zeros at step 0.
    public let previous: Value

    /// The rows of this step of a value that has a row for each time step of each sequence.
    public func callAsFunction(_ value: Value) -> Value { value.rows(at: rows) }
}

extension GraphBuilder {
    /// Unrolls a recurrence h(t) = cell(x(t), h(t − 1)) and declares its states as a site whose rows are the time steps,
    /// so that positions select steps. What an intervention changes at a step is what later steps start from.
    ///
    /// ```swift
    /// let states = builder.recurrence(SiteID(.cellOutput, layer: 0), inputs, steps: 8, width: 16, modulePath: "cells[0].output") {
    ///     step in cell(step(features), step.previous)
    /// }
    /// ```
    /// Sequences may be of any length up to `steps`; the steps that a sequence does not have cost nothing.
    /// - Parameters:
    ///   - id: The site of the states; its run is that of `inputs`.
    ///   - inputs: The names of the run's batch, of which ``RunInputs/stepRows(_:)`` are used.
    ///   - steps: How many time steps are built.
    ///   - cell: The new states of one step, [step rows, width].
    /// - Returns: the states of all steps of all sequences, [rows, width], as the batch orders its rows.
    public func recurrence(
        _ id: SiteID, _ inputs: RunInputs, steps: Int, width: Int, modulePath: String,
        cell: (RecurrentStep) -> Value
    ) -> Value {
        var states = scalar(0).broadcast(to: Shape(inputs.rows, .fixed(width)))
        var versions: [ValueID] = []
        for index in 0..<max(steps, 0) {
            let count = inputs.stepCount(index)
            let rows = input(inputs.stepRows(index), .indices(count))
            let previous =
                index == 0
                ? scalar(0).broadcast(to: Shape(count, .fixed(width)))
                : states.rows(at: input(inputs.previousRows(index), .indices(count)))
            let new = cell(RecurrentStep(index: index, rows: rows, previous: previous))
            // An edit of the site acts on this value; of what it changes, only the rows of this step are taken on.
            let version = states.replacingRows(at: rows, with: new)
            versions.append(version.id)
            states = states.replacingRows(at: rows, with: version.rows(at: rows))
        }
        var site = id
        site.run = inputs.run
        graph.sites.append(
            Site(
                id: site, value: states.id, width: width, rowSpace: .tokens, modulePath: modulePath, steps: versions))
        return states
    }
}

extension RunInputs {
    /// How many sequences have a time step.
    public func stepCount(_ step: Int) -> Dimension { .named("\(run).step.\(step)") }
    /// The row of each of these sequences at the time step, index [stepCount, 1].
    public func stepRows(_ step: Int) -> String { "\(run).step_rows.\(step)" }
    /// The rows of the time step before, index [stepCount, 1].
    public func previousRows(_ step: Int) -> String { "\(run).previous_rows.\(step)" }
}
