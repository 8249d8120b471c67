import Graph
import InterventionDSL
import Models
import Runtime

/// What a run gives.
public struct RunResult: Sendable {
    /// A matrix of the result, row after row.
    public struct Matrix: Sendable {
        public var name: String
        public var rows: Int
        public var columns: Int
        public var values: [Float]
    }

    /// Next-token scores of all rows of all sequences, or class scores, one row per sequence. Nil for an encoder.
    public var logits: Matrix?
    /// The first row of each sequence, and the number of rows.
    public var offsets: [Int]
    /// The mean over all labels; nil where there are none.
    public var loss: Double?
    /// How many labels the loss is a mean over.
    public var labelCount: Int
    /// What the program collects by name, then the sites that were asked for, as `block_output.3`.
    public var collected: [Matrix]
    /// The gradient of the loss with respect to each parameter; zeros where the loss does not depend on it.
    public var gradients: [Matrix]
}

extension Session {
    /// Runs the model with the program on sequences, in evaluation mode.
    ///
    /// - Parameters:
    ///   - examples: The sequences of the base run.
    ///   - sources: The sequences of each source run of the program.
    ///   - sites: Sites whose (edited) values are wanted.
    ///   - gradients: Whether the gradients of all parameters are wanted; this needs labels.
    ///   - inputName: What errors call the sequences, such as the name of their file.
    /// - Throws: ``InputError``, ``SessionError``, `InterventionError` or `RuntimeError` for a batch that does not fit.
    public func run(
        _ examples: [Example], sources: [String: [Example]] = [:], collecting sites: [SiteID] = [],
        gradients: Bool = false, inputName: String = "input"
    ) throws -> RunResult {
        try validate(examples, sources, file: inputName)
        let batch = RaggedBatch(examples, demand: .everyRow)
        if gradients && batch.labelCount == 0 { throw SessionError.noLabels }
        let known = try modelGraph(usesKeyValueStore: false).graph
        for site in sites where known.site(site) == nil { throw unknownSite("\(site)", among: known.sites) }
        let variant = GraphVariant(
            purpose: .inspect(collecting: sites), demand: .everyRow, hasLoss: batch.labelCount > 0,
            hasGradients: gradients)
        let compiled = try compiledGraph(variant)
        var runs = [Program.baseName: BatchBinder.RunBatch(batch)]
        for (name, examples) in sources { runs[name] = BatchBinder.RunBatch(RaggedBatch(examples, demand: .everyRow)) }
        let binder = BatchBinder(
            selections: compiled.selections, masks: compiled.masks, matching: textMatching)
        try compiled.executor.run(
            binder.inputs(runs, lossScale: 1 / Double(max(batch.labelCount, 1))), parameters: parameters)
        return try result(of: compiled, batch, gradients)
    }

    private func result(of compiled: CompiledGraph, _ batch: RaggedBatch, _ gradients: Bool) throws -> RunResult {
        func matrix(_ name: String, _ value: ValueID) throws -> RunResult.Matrix {
            let view = try compiled.executor.output(of: value)
            return RunResult.Matrix(name: name, rows: view.rows, columns: view.columns, values: view.floats())
        }
        let values = compiled.values
        let known = Dictionary(values.gradients.map { ($0.name, $0.value) }) { first, _ in first }
        let wanted = gradients ? parameters.specifications : []
        return RunResult(
            logits: try values.logits.map { try matrix("logits", $0) }, offsets: batch.offsets.map(Int.init),
            loss: try values.loss.map { Double(try compiled.executor.output(of: $0)[0, 0]) },
            labelCount: batch.labelCount, collected: try values.collected.map { try matrix($0.name, $0.value) },
            gradients: try wanted.map { specification in
                guard let value = known[specification.name] else {
                    return RunResult.Matrix(
                        name: specification.name, rows: specification.rows, columns: specification.columns,
                        values: [Float](repeating: 0, count: specification.count))
                }
                return try matrix(specification.name, value)
            })
    }

    /// Checks sequences against the model before anything runs.
    func validate(_ examples: [Example], _ sources: [String: [Example]] = [:], file: String = "input") throws {
        try RunInput(examples).validate(for: model, file: file)
        let wanted = Set(program.runs.map(\.name)).subtracting([Program.baseName])
        let problems =
            wanted.subtracting(sources.keys).sorted().map {
                "the program reads the run '\($0)', which has no sequences"
            }
            + Set(sources.keys).subtracting(wanted).sorted().map { "the program has no run '\($0)'" }
        if !problems.isEmpty { throw InputError(file: "\(file): sources", problems: problems) }
        let subspaces = subspaceProblems(examples)
        if !subspaces.isEmpty { throw InputError(file: file, problems: subspaces) }
        for (name, sequences) in sources.sorted(by: { $0.key < $1.key }) {
            let file = "\(file): sources.\(name)"
            try RunInput(sequences).validate(for: model, file: file)
            let subspaces = subspaceProblems(sequences, run: name)
            if !subspaces.isEmpty { throw InputError(file: file, problems: subspaces) }
            if sequences.count != examples.count {
                throw InputError(
                    file: file, problems: ["has \(sequences.count) sequences where the base run has \(examples.count)"])
            }
        }
    }

    /// Finds rows by the text of their tokens.
    var textMatching: (@Sendable (_ pattern: String, _ tokens: [Int]) -> [Int])? {
        guard let tokenizer = model.tokenizer else { return nil }
        return { pattern, tokens in tokenizer.rows(matching: pattern, in: tokens.map(Int32.init)) }
    }
}
