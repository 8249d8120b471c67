import Graph
import InterventionDSL
import Runtime

/// A batch of whose rows only those are live that something reaches or reads.
struct ReusingBatch {
    var runs: [String: BatchBinder.RunBatch]
    /// What graph inputs in place of unreached values hold.
    var stored: [(name: String, rows: Int, width: Int, values: [Float])] = []
    /// The rows before the live ones, as attention reads them.
    var keyValues: KeyValueStore?
}

extension Session {
    /// Whether graphs read from the store.
    var reusesActivations: Bool { activations != nil && canReuseActivations }

    /// Whether a value of the model alone is what a run of it by itself gives.
    public var canReuseActivations: Bool { bank == nil && !model.architecture.hasEncoder }

    /// Lines a batch up for a graph that reads part of its values from the activation store.
    func reusingBatch(
        _ examples: [Example], for asked: Set<String>, _ compiled: CompiledGraph, _ reused: ReusedPart,
        _ store: ActivationStore
    ) throws -> ReusingBatch {
        let base = Program.baseName
        let demand = compiled.variant.demand
        let prefixSlots = reused.prefixSlots ?? []
        let firstRows = try examples.enumerated().map { index, example in
            reused.prefixSlots != nil
                ? try firstLiveRow(
                    of: example, index, demand, compiled.selections, isSettling: !compiled.variant.measures) : 0
        }
        var runs = runBatches(RaggedBatch(examples, demand: demand), for: asked)
        runs[base] = liveRun(examples, firstRows, demand, reads: runs[base]?.reads ?? [:])
        var batch = ReusingBatch(runs: runs)
        for (name, run) in runs {
            let isBase = name == base
            let values = reused.values.filter { $0.run == name }
            let slots = isBase ? Set(prefixSlots.map(\.slot)) : []
            guard !values.isEmpty || !slots.isEmpty else { continue }
            let sequences = isBase ? examples : run.batch.examples
            var matrices = [[Float]](repeating: [], count: values.count)
            var prefixes: [(prefix: KeyValuePrefix, rows: Int)?] = []
            for (place, sequence) in sequences.enumerated() {
                let first = isBase ? firstRows[place] : 0
                guard !values.isEmpty || first > 0 else {
                    prefixes.append(nil)
                    continue
                }
                let stored = try store.activations(
                    of: sequence, model, sites: values.map(\.site), slots: first > 0 ? slots : [], firstRow: first,
                    precision: precision)
                for (index, value) in values.enumerated() {
                    guard let floats = stored.values[value.site] else { continue }
                    matrices[index] += floats[((first - stored.firstRow) * value.width)...]
                }
                prefixes.append(stored.prefix.map { ($0, first) })
            }
            for (value, matrix) in zip(values, matrices) {
                batch.stored.append((value.input, matrix.count / max(value.width, 1), value.width, matrix))
            }
            if !slots.isEmpty { batch.keyValues = try KeyValueStore(reading: prefixes, prefixSlots) }
        }
        return batch
    }

    /// The base run without the rows before the first live one of each sequence.
    func liveRun(
        _ examples: [Example], _ firstRows: [Int], _ demand: Demand, reads: [String: [Int]]
    ) -> BatchBinder.RunBatch {
        let live = zip(examples, firstRows).map { $0.live(from: $1) }
        var run = BatchBinder.RunBatch(
            RaggedBatch(live, demand: demand, firstPositions: firstRows), reads: reads)
        run.stored = firstRows
        run.promptLengths = examples.map(\.promptLength)
        run.tokens = examples.map(\.tokens)
        return run
    }

    /// The first row of a sequence that an edit changes or a demand means, in the base run.
    /// - Parameter isSettling: Whether edits that put back what is there are left out; a receipt counts them.
    func firstLiveRow(
        of example: Example, _ index: Int, _ demand: Demand, _ selections: [Selection], isSettling: Bool = true
    ) throws(InterventionError) -> Int {
        var first = max(0, example.tokens.count - 1)
        if demand == .labelledRows, let judged = example.judgedRows.first { first = min(first, judged.row) }
        let context = context(of: example, index: index)
        for selection in selections where selection.run == Program.baseName && selection.rowSpace == .tokens {
            let rows = try selection.positions.rows(in: context)
            guard let lowest = rows.min(), lowest < first else { continue }
            let settled = isSettling ? try settledRows(of: example, selection, context) : []
            if let row = rows.filter({ !settled.contains($0) }).min() { first = min(first, row) }
        }
        return first
    }
}

extension Example {
    /// The sequence without its first rows.
    fileprivate func live(from first: Int) -> Example {
        guard first > 0 else { return self }
        var live = self
        live.tokens = Array(tokens[first...])
        live.tokenTypes = tokenTypes.map { Array($0[first...]) }
        live.features = features.map { Array($0[first...]) }
        if case .tokens(let labels) = target { live.target = .tokens(Array(labels[first...])) }
        return live
    }
}
