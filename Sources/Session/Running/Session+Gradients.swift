import Graph
import InterventionDSL
import Runtime

extension Session {
    /// Runs a labelled batch in training mode and adds the gradients of its loss to the parameters'.
    ///
    /// This is what a training loop is made of; clear the gradients with `parameters.clearGradients()` after each step
    /// of the optimiser.
    /// - Parameters:
    ///   - lossScale: 1 / the number of labels of the whole optimiser step, of which this batch may be a part.
    ///   - seed: Decides dropout and noise.
    ///   - receipt: Told which edits fire and how much they change; begin it with ``beginReceipt(_:)``.
    ///   - epoch: The epoch that the receipt counts the batch to.
    /// - Returns: the batch's share of the mean loss.
    /// - Throws: `RuntimeError` or `InterventionError` for a batch that does not fit.
    public func accumulateGradients(
        _ examples: [Example], lossScale: Double, seed: UInt32 = 0, receipt: ReceiptRecorder? = nil, epoch: Int = 1
    ) throws -> Double {
        try refuseTrainingOfBank()
        let compiled = try compiledGraph(
            .training(measures: receipt != nil, reuses: reusesActivations, recomputed: recomputed))
        guard examples.contains(where: { $0.labelCount > 0 }), let loss = compiled.values.loss else {
            throw SessionError.noLabels
        }
        try run(compiled, examples, lossScale: lossScale, seed: seed, receipt: receipt, step: epoch)
        for gradient in compiled.values.gradients {
            try parameters.accumulateGradient(of: gradient.name, compiled.executor.output(of: gradient.value))
        }
        return Double(try compiled.executor.output(of: loss)[0, 0])
    }

    /// Runs a graph on a batch, reading what can be reused from the activation store.
    /// - Parameter asked: Further runs that are computed, because sites of them are asked for.
    func run(
        _ compiled: CompiledGraph, _ examples: [Example], for asked: Set<String> = [], lossScale: Double,
        seed: UInt32, receipt: ReceiptRecorder?, step: Int = 0
    ) throws {
        let binder = BatchBinder(
            selections: compiled.selections, masks: compiled.masks, shuffles: compiled.shuffles,
            constantPlaces: compiled.constantPlaces, bank: bank, matching: textMatching, steps: compiled.steps)
        let batch: ReusingBatch
        if let reused = compiled.reused, let activations {
            batch = try reusingBatch(examples, for: asked, compiled, reused, activations)
        } else {
            batch = ReusingBatch(
                runs: runBatches(RaggedBatch(examples, demand: compiled.variant.demand), for: asked))
        }
        var inputs = try binder.inputs(batch.runs, lossScale: lossScale, seed: seed)
        for value in batch.stored {
            inputs.set(value.name, rows: value.rows, columns: value.width, values: value.values)
        }
        inputs.set(compiled.readEdits)
        try compiled.executor.run(inputs, parameters: parameters, keyValues: batch.keyValues)
        try receipt?.record(compiled, inputs, batch.runs.mapValues(\.batch), step: step)
    }

    /// Makes a recorder ready for the batches of a training.
    public func beginReceipt(_ receipt: ReceiptRecorder) { receipt.begin(.training, hookGraph) }

    /// Checks everything about labelled data that can be checked without running it: tokens, labels, positions.
    /// - Throws: ``InputError`` with every problem.
    public func checkTrainingData(_ examples: [Example], file: String) throws {
        try validate(examples, file: file)
        var problems: [String] = []
        for (index, example) in examples.enumerated() {
            let batch = RaggedBatch([example], demand: .labelledRows)
            if batch.labelCount == 0 { problems.append("example \(index) has no label that is judged") }
            do throws(InterventionError) {
                _ = try editedRows(of: example, index: index)
                for (run, source) in example.sources { _ = try editedRows(of: source, index: index, run: run) }
            } catch {
                problems.append("\(error)")
            }
        }
        if problems.isEmpty {
            do throws(InterventionError) {
                problems += try silentEdits(in: examples, demand: .labelledRows).map { $0.problem(in: "any example") }
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
    }

    /// The rows of a sequence that each part of the program's positions means in a run, by the part's text form.
    public func editedRows(
        of example: Example, index: Int = 0, run: String = Program.baseName
    ) throws(InterventionError) -> [(positions: String, rows: [Int])] {
        let context = context(of: example, index: index, run: run)
        // Rows that two declarations of the run mean, where overlaps are errors.
        for selection in hookGraph.selections where selection.run == run && !selection.exclusive.isEmpty {
            _ = try selection.indices(in: [context])
        }
        // Constant sources with a row for each that is edited.
        for places in hookGraph.hooks.flatMap(\.constantPlaces) where places.run == run {
            _ = try places.indices(in: [context])
        }
        var found: [(positions: String, rows: [Int])] = []
        var seen: Set<PositionsPart> = []
        for hook in hookGraph.hooks
        where hook.site.run == run && hook.shape.rowSpace != .sequences && seen.insert(hook.positions).inserted {
            found.append(("\(hook.positions)", try hook.positions.rows(in: context)))
        }
        return found
    }
}

extension InputBatch {
    /// Says which rows are both edited and read, where rows that nobody reads are left out.
    mutating func set(_ edits: [ReadEdit]) {
        for edit in edits {
            let rows = edit.indices(edited: indices(edit.edited) ?? [], read: indices(edit.read) ?? [])
            set(edit.kept, indices: rows.kept)
            set(edit.places, indices: rows.places)
        }
    }
}
