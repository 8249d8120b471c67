import Graph
import InterventionDSL
import Models
import Runtime

/// What a run gives.
public struct RunResult: Sendable {
    /// A matrix of the result, row after row.
    public struct Matrix: Sendable {
        /// What it is called in files: `logits`, a name of `Collect`, a site, a parameter.
        public var name: String
        /// The number of rows.
        public var rows: Int
        /// The numbers of a row.
        public var columns: Int
        /// rows · columns numbers, row after row.
        public var values: [Float]
    }

    /// Next-token scores of the rows whose logits are read, by default all rows of all sequences, or class scores, one
    /// row per sequence. Nil for an encoder.
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
    /// The logits and the sites that were asked for as they are without the program, under the same names; empty unless
    /// wanted.
    public var unedited: [Matrix] = []
    /// What is worth knowing and not wrong, such as a declaration that edits no row of these sequences.
    public var warnings: [String] = []
    /// Which edits fired where and how much they changed, if it was asked for.
    public var receipt: Receipt?
}

extension Session {
    /// Runs the model with the program on sequences, in evaluation mode.
    ///
    /// With an activation store (``activations``) only what the program reaches is computed: sweeps over many programs or
    /// positions on the same sequences are made of such runs.
    /// - Parameters:
    ///   - examples: The sequences of the base run.
    ///   - demand: The rows whose logits are read; others are not computed. With the last rows alone there is no loss.
    ///   - sources: The sequences of source runs, one for each example or one that all read; examples can also carry
    ///     them themselves, see ``Example/sources``.
    ///   - sites: Sites whose (edited) values are wanted.
    ///   - gradients: Whether the gradients of all parameters are wanted; this needs labels.
    ///   - unedited: Whether the logits and the sites are wanted without the program too. What no edit reaches is
    ///     computed once.
    ///   - seed: Decides noise and other draws.
    ///   - receipt: Whether it is recorded which edits fire and how much they change.
    ///   - inputName: What errors call the sequences, such as the name of their file.
    /// - Throws: ``InputError``, ``SessionError``, `InterventionError` or `RuntimeError` for a batch that does not fit.
    public func run(
        _ examples: [Example], logits demand: Demand = .everyRow, sources: [String: [Example]] = [:],
        collecting sites: [SiteID] = [], gradients: Bool = false, unedited: Bool = false, seed: UInt32 = 0,
        receipt: Bool = false, inputName: String = "input"
    ) throws -> RunResult {
        let examples = try sources.sorted { $0.key < $1.key }.reduce(examples) { examples, source in
            do throws(InputError) {
                return try examples.reading(source.key, from: source.value)
            } catch {
                throw InputError(file: "\(inputName): \(error.file)", problems: error.problems)
            }
        }
        let asked = Set(sites.map(\.run))
        try validate(examples, for: asked, file: inputName)
        let batch = RaggedBatch(examples, demand: demand)
        let hasLoss = batch.labelCount > 0 && (demand != .lastRows || !model.kind.scoresTokens)
        if gradients && !hasLoss { throw SessionError.noLabels }
        if gradients { try refuseTrainingOfBank() }
        if !sites.isEmpty {
            let known = try modelGraph(usesKeyValueStore: false).graph
            for site in sites where known.site(site) == nil { throw unknownSite("\(site)", among: known.sites) }
        }
        let variant = GraphVariant(
            purpose: .inspect(collecting: sites), demand: demand, hasLoss: hasLoss,
            hasGradients: gradients, hasUnedited: unedited, measures: receipt,
            reuses: reusesActivations && !unedited)
        let compiled = try compiledGraph(variant)
        let recorder = receipt ? ReceiptRecorder() : nil
        recorder?.begin(.run, hookGraph)
        try run(
            compiled, examples, for: asked, lossScale: 1 / Double(max(batch.labelCount, 1)), seed: seed,
            receipt: recorder)
        var result = try result(of: compiled, batch, gradients)
        result.warnings = try warnings(for: examples, "these sequences")
        result.receipt = recorder?.receipt
        return result
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
            labelCount: values.loss == nil ? 0 : batch.labelCount,
            collected: try values.collected.map { try matrix($0.name, $0.value) },
            gradients: try wanted.map { specification in
                guard let value = known[specification.name] else {
                    return RunResult.Matrix(
                        name: specification.name, rows: specification.rows, columns: specification.columns,
                        values: [Float](repeating: 0, count: specification.count))
                }
                return try matrix(specification.name, value)
            }, unedited: try values.unedited.map { try matrix($0.name, $0.value) })
    }

    /// Checks sequences, those of the source runs too, against the model and the program before anything runs.
    /// - Parameter runs: Further runs that are computed, because sites of them are asked for.
    func validate(_ examples: [Example], for runs: Set<String> = [], file: String = "input") throws(InputError) {
        try RunInput(examples).validate(for: model, file: file)
        try validateAdapters(examples, file: file)
        let needed = neededRuns(for: runs).filter { $0 != Program.baseName }.sorted()
        let known = Set(program.runs.map(\.name)).union(needed).subtracting([Program.baseName])
        let given = examples.reduce(into: Set<String>()) { $0.formUnion($1.sources.keys) }
        var problems: [String] = []
        for run in needed {
            guard given.contains(run) else {
                let reader = isEncoder(run) ? "the model attends to its encoder," : "the program reads"
                problems.append("\(reader) the run '\(run)', which has no sequences")
                continue
            }
            for (index, example) in examples.enumerated() where example.sources[run] == nil {
                problems.append("sequence \(index) has no sequence of the run '\(run)'")
            }
        }
        problems += given.subtracting(known).sorted().map { "the program has no run '\($0)'" }
        guard problems.isEmpty else { throw InputError(file: "\(file): sources", problems: problems) }
        let subspaces = subspaceProblems(examples)
        if !subspaces.isEmpty { throw InputError(file: file, problems: subspaces) }
        for run in given.sorted() {
            // Each different sequence once, under the number of the first that reads it.
            var seen: Set<Example> = []
            let read = examples.enumerated().compactMap { index, example in
                example.sources[run].flatMap { seen.insert($0).inserted ? (index, $0) : nil }
            }
            let (numbers, sequences) = (read.map(\.0), read.map(\.1))
            try RunInput(sequences).validate(for: model, file: "\(file): sources.\(run)", numbers: numbers)
            let subspaces = subspaceProblems(sequences, run: run, numbers: numbers)
            if !subspaces.isEmpty { throw InputError(file: "\(file): sources.\(run)", problems: subspaces) }
        }
    }

    /// Finds rows by the text of their tokens.
    var textMatching: (@Sendable (_ pattern: TokenPattern, _ tokens: [Int]) -> [Int])? {
        guard let tokenizer = model.tokenizer else { return nil }
        return { pattern, tokens in tokenizer.rows(matching: pattern, in: tokens.map(Int32.init)) }
    }
}
