import Graph
import InterventionDSL
import Models
import Runtime

/// Sequences that are gone on with token by token, over one key/value store.
///
/// A sequence is a prompt with what follows it. Several sequences can go on from one prompt: its rows are computed once.
final class DecodingBatch {
    let session: Session
    let prompts: [Example]
    /// Which prompt each sequence goes on from, in the order of the store.
    private(set) var members: [Int]
    private let store: KeyValueStore
    /// What the program reads of other runs and of the prompts, which is computed once.
    private var sources: GenerationSources
    private let receipt: ReceiptRecorder?
    /// The selections that meant a row in some step.
    private var fired: Set<String> = []
    /// 0 for the prompts, then the number of the decode step.
    private var step = 0

    /// What noise and other draws of the program are keyed with, besides the number of the run.
    private let seed: UInt32
    private var runCount: UInt32 = 0
    /// The last decode step, if the next one is bound as it was.
    private var steady: SteadyStep?

    init(_ session: Session, _ prompts: [Example], seed: UInt64, receipt: ReceiptRecorder?) throws {
        self.seed = UInt32(truncatingIfNeeded: seed)
        self.session = session
        self.prompts = prompts
        self.receipt = receipt
        members = Array(prompts.indices)
        let compiled = try session.compiledGraph(.generation(.prompt, measures: receipt != nil))
        // Which sequences are left would decide what is drawn, and the last one has no others.
        if let shuffle = compiled.shuffles.first(where: \.reachesGeneratedRows) {
            throw InterventionError.drawsWhileGenerating(declaration: shuffle.declaration)
        }
        store = KeyValueStore(compiled.plan.keyValueSlots, sequences: prompts.count)
        sources = GenerationSources(
            session.sourceBatches(of: prompts), hasEncoder: session.model.architecture.hasEncoder)
    }

    /// Runs the prompts.
    /// - Returns: a row of logits for each, valid until the next run.
    func runPrompts() throws -> MatrixView {
        try run(.prompt, rows: prompts, tokens: prompts.map(\.tokens))
    }

    /// Runs the last token of the answer of each sequence.
    /// - Parameters:
    ///   - next: These tokens.
    ///   - answers: The answers so far, for edits that depend on more.
    /// - Returns: a row of logits for each, valid until the next run.
    func run(_ next: [Int32], of answers: @autoclosure () -> [[Int32]]) throws -> MatrixView {
        if let steady, steady.isBound {
            step += 1
            runCount &+= 1
            return try steady.run(next, session.parameters, store)
        }
        let answers = answers()
        let rows = zip(members, answers).map { prompt, answer in
            var row = prompts[prompt]
            row.tokens = Array(answer.suffix(1))
            row.givenPromptLength = nil
            return row
        }
        let logits = try run(.decode, rows: rows, tokens: zip(members, answers).map { prompts[$0].tokens + $1 })
        if receipt == nil {
            steady = SteadyStep(
                try session.compiledGraph(.generation(.decode)), hasSources: !sources.isEmpty)
        }
        return logits
    }

    /// Makes sequence i what `order[i]` was: drops those not named, forks those named twice.
    func keep(_ order: [Int]) throws {
        // The next step is bound to the sequences that there are then.
        steady = nil
        try store.reorder(order)
        members = order.map { members[$0] }
    }

    /// Edits of generated rows that met none, each once. (Those of prompt rows are known before anything runs.)
    var silentEdits: [String] {
        var seen: Set<String> = []
        return session.hookGraph.hooks.compactMap { hook in
            guard hook.reachesGeneratedRows, let selection = hook.selection, !fired.contains(selection.name)
            else { return nil }
            let warning =
                "'\(hook.name)' edited nothing: its positions '\(hook.positions)' mean no row that was computed"
            return seen.insert(warning).inserted ? warning : nil
        }
    }

    private func run(_ phase: GraphVariant.Phase, rows: [Example], tokens: [[Int32]]) throws -> MatrixView {
        let compiled = try session.compiledGraph(.generation(phase, measures: receipt != nil))
        let lengths = store.lengths
        var run = BatchBinder.RunBatch(RaggedBatch(rows, demand: .lastRows, firstPositions: lengths))
        run.stored = lengths
        run.promptLengths = members.map { prompts[$0].tokens.count }
        run.tokens = tokens
        let binder = BatchBinder(
            selections: compiled.selections, masks: compiled.masks, shuffles: compiled.shuffles,
            constantPlaces: compiled.constantPlaces, bank: session.bank, matching: session.textMatching)
        let inputs = try sources.inputs(binder, run, phase, prompts: members, seed: seed &+ runCount)
        runCount &+= 1
        for selection in compiled.selections where inputs.indices(selection.name)?.isEmpty == false {
            fired.insert(selection.name)
        }
        try compiled.executor.run(inputs, parameters: session.parameters, keyValues: store)
        if phase == .prompt { try sources.keep(compiled, prompts: run) }
        var batches = sources.ragged(members)
        batches[Program.baseName] = run.batch
        try receipt?.record(compiled, inputs, batches, step: step, sequences: members)
        step += 1
        guard let value = compiled.values.logits else {
            throw SessionError.unsuited(model: session.model.name, needs: "logits")
        }
        return try compiled.executor.output(of: value)
    }
}
