import Graph
import InterventionDSL
import Runtime

/// Turns batches of the runs of a program into the inputs of its graph.
struct BatchBinder {
    let selections: [Selection]
    var masks: [SubspaceMask] = []
    /// Finds the rows whose text matches a pattern, where the model has a tokenizer.
    let matching: (@Sendable (_ pattern: String, _ tokens: [Int]) -> [Int])?
    /// Further tokens may follow the live ones.
    var isGrowing = false

    /// One run's batch and, for generation, how many rows of each sequence lie in the key/value store.
    struct RunBatch {
        var batch: RaggedBatch
        var stored: [Int]?
        /// The prompt's length of each sequence, counted over stored and live rows.
        var promptLengths: [Int]
        /// All tokens of each sequence, stored ones included.
        var tokens: [[Int32]]

        init(_ batch: RaggedBatch) {
            self.batch = batch
            promptLengths = batch.examples.map(\.promptLength)
            tokens = batch.examples.map(\.tokens)
        }
    }

    /// All inputs of the graph.
    /// - Parameter lossScale: 1 / the number of labels that the loss is a mean over.
    func inputs(
        _ runs: [String: RunBatch], lossScale: Double = 1, seed: UInt32 = 0
    ) throws(InterventionError) -> InputBatch {
        var inputs = InputBatch()
        for (name, run) in runs { set(run.batch, RunInputs(run: name), &inputs) }
        inputs.set(RunInputs().lossScale, rows: 1, columns: 1, values: [Float(lossScale)])
        inputs.set(RunInputs.seed, indices: [Int32(bitPattern: seed)])
        let contexts = runs.mapValues(contexts)
        var counts: [String: [Int]] = [:]
        for selection in selections {
            guard let sequences = contexts[selection.run], let run = runs[selection.run] else { continue }
            if !selection.isPaired { counts[selection.name] = try selection.counts(in: sequences) }
            let wanted = try pairedCounts(selection, contexts, &counts)
            inputs.set(
                selection.name,
                indices: try selection.indices(in: sequences, matching: wanted, demanded: run.batch.demanded))
        }
        for mask in masks {
            guard let sequences = contexts[mask.run], let run = runs[mask.run] else { continue }
            let values = try mask.values(
                in: sequences, choices: run.batch.examples.map { $0.subspaces[mask.declaration] },
                demanded: run.batch.demanded)
            inputs.set(
                mask.name, rows: values.count / max(mask.coordinateCount, 1), columns: mask.coordinateCount,
                values: values)
        }
        return inputs
    }

    /// How many rows each sequence of a paired selection must give.
    private func pairedCounts(
        _ selection: Selection, _ contexts: [String: [SequenceContext]], _ counts: inout [String: [Int]]
    ) throws(InterventionError) -> [Int]? {
        guard let run = selection.pairedRun, let edited = contexts[run] else { return nil }
        guard let name = selection.pairedWith else { return edited.map(\.live.count) }
        if let known = counts[name] { return known }
        guard let other = selections.first(where: { $0.name == name }) else { return nil }
        let found = try other.counts(in: edited)
        counts[name] = found
        return found
    }

    private func contexts(_ run: RunBatch) -> [SequenceContext] {
        run.batch.examples.enumerated().map { index, example in
            let stored = run.stored?[index] ?? 0
            let length = stored + example.tokens.count
            return SequenceContext(
                index: index, promptLength: run.promptLengths[index], length: length, live: stored..<length,
                tokens: run.tokens[index].map(Int.init), fields: example.fields, isGrowing: isGrowing,
                matching: matching)
        }
    }

    private func set(_ batch: RaggedBatch, _ names: RunInputs, _ inputs: inout InputBatch) {
        inputs.set(names.tokens, indices: batch.tokens)
        inputs.set(names.positions, indices: batch.positions)
        inputs.set(names.tokenTypes, indices: batch.tokenTypes)
        inputs.set(names.offsets, indices: batch.offsets)
        inputs.set(names.firstRows, indices: batch.firstRows)
        inputs.set(names.demanded, indices: batch.demanded)
        inputs.set(names.labelled, indices: batch.labelled)
        inputs.set(names.targets, indices: batch.targets)
        inputs.set(names.targetValues, rows: batch.targetValues.count, columns: 1, values: batch.targetValues)
    }
}
