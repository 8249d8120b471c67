import Graph
import InterventionDSL
import Runtime

/// A decode step that differs from the one before it in tokens and their positions only, so that nothing is bound anew and
/// nothing is allocated.
struct SteadyStep {
    private let executor: Executor
    private let batch: Int
    private let logits: Int
    private let tokens: IndexInput
    /// Nil where the model does not know positions.
    private let positions: IndexInput?

    /// - Returns: nil where edits depend on the step: on lists of positions, on draws, on what is read elsewhere, or on what
    ///   examples choose.
    init?(_ compiled: CompiledGraph, hasSources: Bool) {
        let names = RunInputs()
        let executor = compiled.executor
        guard !hasSources, compiled.masks.isEmpty, compiled.shuffles.isEmpty, compiled.constantPlaces.isEmpty,
            compiled.selections.allSatisfy({
                !$0.isPaired && $0.exclusive.isEmpty && $0.positions.meansEachGeneratedRow
                    && ($0.rowSpace == .tokens || $0.rowSpace == .demanded)
            }),
            executor.canRunAgain, executor.indexInput(RunInputs.seed) == nil,
            let tokens = executor.indexInput(names.tokens), let value = compiled.values.logits,
            let logits = executor.plan.outputs.firstIndex(of: value)
        else { return nil }
        self.executor = executor
        batch = executor.batchCount
        self.logits = logits
        self.tokens = tokens
        positions = executor.indexInput(names.positions)
    }

    /// Whether nothing else was run on the graph since, such as another generation from within this one's callback.
    var isBound: Bool { executor.batchCount == batch }

    /// Runs the step on the next token of each sequence.
    func run(_ next: [Int32], _ parameters: ParameterStore, _ store: KeyValueStore) throws(RuntimeError) -> MatrixView {
        for place in next.indices {
            try executor.set(tokens, row: place, to: next[place])
            if let positions { try executor.set(positions, row: place, to: Int32(clamping: store.length(of: place))) }
        }
        try executor.runAgain(parameters: parameters, keyValues: store)
        return executor.output(logits)
    }
}
