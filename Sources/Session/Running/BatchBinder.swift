import Graph
import InterventionDSL
import Runtime

/// Turns batches of the runs of a program into the inputs of its graph.
struct BatchBinder {
    let selections: [Selection]
    var masks: [SubspaceMask] = []
    var shuffles: [RowShuffle] = []
    var constantPlaces: [ConstantRowPlaces] = []
    /// The adapters that examples may name.
    var bank: AdapterBank?
    /// Finds the rows whose text matches a pattern, where the model has a tokenizer.
    let matching: (@Sendable (_ pattern: TokenPattern, _ tokens: [Int]) -> [Int])?
    /// Further tokens may follow the live ones of the base run.
    var isGrowing = false
    /// How many time steps the model's recurrences are unrolled into.
    var steps = 0
    /// In a decode step, the runs as they were when the rows that it reads were computed.
    var kept: [String: RunBatch] = [:]

    /// One run's batch and, for generation, how many rows of each sequence lie in the key/value store.
    struct RunBatch {
        var batch: RaggedBatch
        var stored: [Int]?
        /// The prompt's length of each sequence, counted over stored and live rows.
        var promptLengths: [Int]
        /// All tokens of each sequence, stored ones included.
        var tokens: [[Int32]]
        /// By run, the sequence of that run which each sequence of this one reads.
        var reads: [String: [Int]]
        /// By what number messages know each sequence; nil for its place.
        var numbers: [Int]?

        init(_ batch: RaggedBatch, reads: [String: [Int]] = [:], numbers: [Int]? = nil) {
            self.batch = batch
            self.reads = reads
            self.numbers = numbers
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
        let contexts = contexts(of: runs)
        let keptContexts = self.contexts(of: kept)
        for selection in selections {
            let isKept = selection.isKept && !kept.isEmpty
            guard let sequences = (isKept ? keptContexts : contexts)[selection.run],
                let run = (isKept ? kept : runs)[selection.run]
            else { continue }
            let indices: [Int32]
            if let reader = selection.pairedRun, let readerContexts = contexts[reader], let reading = runs[reader] {
                indices = try selection.indices(
                    in: sequences, pairedWith: try editedRows(selection, readerContexts, reading),
                    keys: selection.rowsPerPosition(in: readerContexts),
                    reading: reading.reads[selection.run], numbers: reading.numbers, demanded: run.batch.demanded)
            } else {
                indices = try selection.indices(in: sequences, demanded: run.batch.demanded)
            }
            inputs.set(selection.name, indices: indices)
            if let name = selection.adaptersName {
                inputs.set(name, indices: try selection.adapters(in: sequences, demanded: run.batch.demanded))
            }
        }
        for shuffle in shuffles {
            guard let sequences = contexts[shuffle.run], let run = runs[shuffle.run] else { continue }
            inputs.set(
                shuffle.name,
                indices: try shuffle.indices(in: sequences, demanded: run.batch.demanded, seed: seed))
        }
        for places in constantPlaces {
            guard let sequences = contexts[places.run], let run = runs[places.run] else { continue }
            inputs.set(places.name, indices: try places.indices(in: sequences, demanded: run.batch.demanded))
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

    /// What each sequence of the edited run gives to the edit that a paired selection is read for.
    private func editedRows(
        _ selection: Selection, _ sequences: [SequenceContext], _ run: RunBatch
    ) throws(InterventionError) -> [EditedRows] {
        let demanded = run.batch.demanded
        if let name = selection.pairedWith, let edited = selections.first(where: { $0.name == name }) {
            return try edited.editedRows(in: sequences, demanded: demanded)
        }
        return try Selection.editedRows(
            Positions.all.whole, selection.pairedRowSpace, in: sequences, demanded: demanded)
    }

    private func contexts(of runs: [String: RunBatch]) -> [String: [SequenceContext]] {
        var found = Dictionary(
            uniqueKeysWithValues: runs.map { ($0.key, contexts(of: $0.key, $0.value)) })
        // Decoder rows attend to as many keys as the encoder's sequence has rows.
        for name in runs.keys {
            guard let encoder = runs[RunInputs(run: name).encoder.run] else { continue }
            for (place, example) in encoder.batch.examples.enumerated() where place < (found[name]?.count ?? 0) {
                found[name]?[place].keyCounts[.crossPairs] = example.tokens.count
            }
        }
        return found
    }

    private func isGrowing(run: String) -> Bool { isGrowing && run == Program.baseName }

    private func contexts(of name: String, _ run: RunBatch) -> [SequenceContext] {
        let isGrowing = isGrowing(run: name)
        return run.batch.examples.enumerated().map { index, example in
            let stored = run.stored?[index] ?? 0
            let length = stored + example.tokens.count
            var context = SequenceContext(
                index: run.numbers?[index] ?? index, promptLength: run.promptLengths[index], length: length,
                live: stored..<length,
                tokens: run.tokens[index].map(Int.init), fields: example.fields, isGrowing: isGrowing,
                matching: matching)
            context.run = name
            context.place = bank?.place(of: example.adapterIndex)
            context.subspaces = example.subspaces
            return context
        }
    }

    private func set(_ batch: RaggedBatch, _ names: RunInputs, _ inputs: inout InputBatch) {
        inputs.set(names.tokens, indices: batch.tokens)
        inputs.set(names.positions, indices: batch.positions)
        inputs.set(names.tokenTypes, indices: batch.tokenTypes)
        inputs.set(names.offsets, indices: batch.offsets)
        inputs.set(names.firstRows, indices: batch.firstRows)
        inputs.set(names.lastRows, indices: batch.lastRows)
        inputs.set(names.demanded, indices: batch.demanded)
        if let (columns, values) = batch.features {
            inputs.set(names.features, rows: batch.rowCount, columns: columns, values: values)
        }
        for step in 0..<steps {
            let rows = batch.rows(ofStep: step)
            inputs.set(names.stepRows(step), indices: rows)
            if step > 0 { inputs.set(names.previousRows(step), indices: rows.map { $0 - 1 }) }
        }
        inputs.set(names.labelled, indices: batch.labelled)
        inputs.set(names.targets, indices: batch.targets)
        inputs.set(names.targetValues, rows: batch.targetValues.count, columns: 1, values: batch.targetValues)
    }
}
