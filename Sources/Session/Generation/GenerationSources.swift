import Graph
import InterventionDSL
import Runtime

/// The source runs of a generation. They are computed once, with the prompts; what edits of generated rows read of them
/// and of the prompts, and what the decoder reads of its encoder, is kept and given to every decode step.
struct GenerationSources {
    private let batches: SourceBatches
    /// Whether the base run attends to an encoder.
    private let hasEncoder: Bool
    private var kept: [RunResult.Matrix] = []
    /// What the decoder reads of its encoder, for the rows of all prompts.
    private var encoded: [RunResult.Matrix] = []
    private var prompts: BatchBinder.RunBatch?

    init(_ batches: SourceBatches, hasEncoder: Bool = false) {
        self.batches = batches
        self.hasEncoder = hasEncoder
    }

    /// Whether the program reads nothing but the live rows.
    var isEmpty: Bool { batches.runs.isEmpty && kept.isEmpty && encoded.isEmpty }

    /// The sequences of the source runs as a graph is given them.
    /// - Parameter prompts: The prompt that each live sequence answers.
    func ragged(_ prompts: [Int]) -> [String: RaggedBatch] {
        runs(prompts).mapValues(\.batch)
    }

    private func runs(_ prompts: [Int]) -> [String: BatchBinder.RunBatch] {
        var runs = batches.runs
        // The encoder has a sequence for each live one.
        if hasEncoder, let all = batches.runs[encoder] {
            let examples = prompts.map { all.batch.examples[$0] }
            runs[encoder] = BatchBinder.RunBatch(
                RaggedBatch(examples, demand: .everyRow), reads: all.reads, numbers: prompts)
        }
        return runs
    }

    private var encoder: String { RunInputs(run: Program.baseName).encoder.run }

    /// The rows of the encoder's sequences that the live sequences attend to, one sequence after another.
    private func encodedRows(_ prompts: [Int]) -> [RunResult.Matrix] {
        guard !encoded.isEmpty, let offsets = batches.runs[encoder]?.batch.offsets.map(Int.init),
            prompts != Array(0..<offsets.count - 1)
        else { return encoded }
        return encoded.map { matrix in
            var rows = matrix
            rows.rows = prompts.reduce(0) { $0 + offsets[$1 + 1] - offsets[$1] }
            rows.values = prompts.flatMap {
                matrix.values[offsets[$0] * matrix.columns..<offsets[$0 + 1] * matrix.columns]
            }
            return rows
        }
    }

    /// The inputs of a graph for the prompts, or for a decode step.
    /// - Parameters:
    ///   - run: The live rows of the base run.
    ///   - prompts: The prompt that each live sequence answers.
    ///   - seed: Decides noise and other draws.
    func inputs(
        _ binder: BatchBinder, _ run: BatchBinder.RunBatch, _ phase: GraphVariant.Phase, prompts: [Int],
        seed: UInt32
    ) throws(InterventionError) -> InputBatch {
        var binder = binder
        binder.isGrowing = true
        var run = run
        run.reads = batches.reads.mapValues { reads in prompts.map { reads[$0] } }
        var runs = runs(prompts)
        if phase == .decode, let first = self.prompts {
            binder.kept = batches.runs
            binder.kept[Program.baseName] = first
            run.reads[Program.baseName] = prompts
        }
        runs[Program.baseName] = run
        var inputs = try binder.inputs(runs, seed: seed)
        guard phase == .decode else { return inputs }
        for value in kept + encodedRows(prompts) {
            inputs.set(value.name, rows: value.rows, columns: value.columns, values: value.values)
        }
        return inputs
    }

    /// Takes what the graph of the prompts leaves for decode steps.
    mutating func keep(_ compiled: CompiledGraph, prompts run: BatchBinder.RunBatch) throws(RuntimeError) {
        prompts = run
        for (name, value) in compiled.values.kept {
            let view = try compiled.executor.output(of: value)
            let matrix = RunResult.Matrix(name: name, rows: view.rows, columns: view.columns, values: view.floats())
            if EncodedValues.isName(name) { encoded.append(matrix) } else { kept.append(matrix) }
        }
    }
}
