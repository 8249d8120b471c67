import Graph
import InterventionDSL
import Runtime

extension Session {
    /// What training on a batch takes, and what it would take if nothing were computed again. Nothing is run.
    /// - Throws: `RuntimeError` or `InterventionError` for a batch that does not fit.
    public func recomputationReport(
        _ choice: Recomputation, for examples: [Example], reuses: Bool = false
    ) throws -> RecomputationReport {
        func compiled(_ parts: RecomputedParts) throws -> CompiledGraph {
            try compiledForLooking(.training(measures: false, reuses: reuses, recomputed: parts))
        }
        let whole = try compiled(.none)
        let blocks = whole.recomputableBlocks
        let without = try bytes(of: examples, whole)
        func report(_ parts: RecomputedParts) throws -> RecomputationReport {
            let graph = parts == .none ? whole : try compiled(parts)
            let (all, again) = try multiplications(of: examples, graph)
            return RecomputationReport(
                blocks: blocks, recomputed: min(parts.blocks, blocks), extraMultiplications: again,
                multiplications: all - again, attention: parts.attention,
                bytes: parts == .none ? without : try bytes(of: examples, graph), bytesWithout: without)
        }
        if let parts = choice.parts { return try report(parts) }
        guard case .fitting(let budget) = choice, without > budget else { return try report(.none) }
        // The smallest number that fits; more blocks never take more memory.
        var (low, high) = (0, blocks)
        while low < high {
            let middle = (low + high) / 2
            let fits = try bytes(of: examples, compiled(RecomputedParts(blocks: middle, attention: true))) <= budget
            if fits { high = middle } else { low = middle + 1 }
        }
        return try report(RecomputedParts(blocks: high, attention: true))
    }

    /// The bytes of an executor's values on a batch.
    private func bytes(of examples: [Example], _ compiled: CompiledGraph) throws -> Int {
        let binder = BatchBinder(
            selections: compiled.selections, masks: compiled.masks, shuffles: compiled.shuffles,
            constantPlaces: compiled.constantPlaces, bank: bank, matching: textMatching, steps: compiled.steps)
        let runs = try liveRuns(examples, compiled)
        var inputs = try binder.inputs(runs)
        inputs.set(compiled.readEdits)
        for value in compiled.reused?.values ?? [] {
            let rows = runs[value.run]?.batch.rowCount ?? 0
            inputs.set(
                value.input, rows: rows, columns: value.width,
                values: [Float](repeating: 0, count: rows * value.width))
        }
        return try compiled.executor.bufferBytes(for: inputs)
    }

    /// The multiplications with the model's matrices, and those of them that are done a second time.
    private func multiplications(of examples: [Example], _ compiled: CompiledGraph) throws -> (
        all: Double, again: Double
    ) {
        let runs = try liveRuns(examples, compiled)
        var (all, again) = (0.0, 0.0)
        for (run, work) in compiled.plan.graph.weightWork(of: compiled.plan.graph.ancestors(of: compiled.values.all)) {
            all += Double(work) * Double(runs[run]?.batch.rowCount ?? 0)
        }
        for (run, work) in compiled.plan.graph.recomputedWork() {
            again += Double(work) * Double(runs[run]?.batch.rowCount ?? 0)
        }
        return (all, again)
    }

    /// The runs of a batch, without the rows that would be read from an activation store.
    private func liveRuns(_ examples: [Example], _ compiled: CompiledGraph) throws -> [String: BatchBinder.RunBatch] {
        let demand = compiled.variant.demand
        var runs = runBatches(RaggedBatch(examples, demand: demand))
        guard compiled.reused?.prefixSlots != nil else { return runs }
        let firstRows = try examples.enumerated().map { index, example in
            try firstLiveRow(of: example, index, demand, compiled.selections)
        }
        runs[Program.baseName] = liveRun(examples, firstRows, demand, reads: runs[Program.baseName]?.reads ?? [:])
        return runs
    }
}
