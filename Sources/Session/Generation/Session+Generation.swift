import Graph
import InterventionDSL
import Models
import Runtime
import Tokenizers

extension Session {
    /// Goes on from prompts, all in one batch without padding.
    ///
    /// What the program does at prompt positions is done once and lives on in the key/value store; what it does at
    /// generated rows is done at each step. Greedy, or drawn with the settings' seed: an answer does not depend on
    /// which other prompts are in the batch, except for rounding.
    /// - Parameters:
    ///   - prompts: Token ids, with lists of positions and sequences of source runs for programs that name such.
    ///   - onStep: Called for each token; returns false to stop.
    /// - Throws: ``SessionError``, ``InputError``, `InterventionError` or `RuntimeError`.
    public func generate(
        _ prompts: [Example], settings: GenerationSettings = GenerationSettings(),
        onStep: (GenerationStep) -> Bool = { _ in true }
    ) throws -> [GeneratedText] {
        let problems = settings.problems()
        guard problems.isEmpty else { throw SessionError.settings(problems) }
        guard model.kind == .causalLanguageModel else {
            throw SessionError.unsuited(model: model.name, needs: "a language model, which scores the next token")
        }
        let examples = prompts.map {
            Example(
                tokens: $0.tokens, promptLength: $0.tokens.count, fields: $0.fields, subspaces: $0.subspaces,
                sources: $0.sources)
        }
        try validate(examples)
        var generation = try Generation(self, examples, settings)
        return try generation.answers(onStep)
    }
}

/// One batch of prompts on its way.
private struct Generation {
    let session: Session
    let settings: GenerationSettings
    let sampler: Sampler
    let endTokens: Set<Int32>
    let store: KeyValueStore
    /// What the program reads of other runs and of the prompts, which is computed once.
    private var sources: GenerationSources
    /// The sequences that are not finished, in the order of the store.
    var live: [Sequence]
    var finished: [Int: GeneratedText] = [:]

    struct Sequence {
        var prompt: Int
        var example: Example
        var answer = GeneratedText()
        var decoder: StreamingDecoder?
        var stop: StopText
    }

    init(_ session: Session, _ prompts: [Example], _ settings: GenerationSettings) throws {
        self.session = session
        self.settings = settings
        sampler = Sampler(settings: settings)
        endTokens = settings.ignoresEnd ? [] : session.model.endTokens
        let compiled = try session.compiledGraph(.generation(.prompt))
        store = KeyValueStore(compiled.plan.keyValueSlots, sequences: prompts.count)
        sources = GenerationSources(session.sourceBatches(of: prompts))
        let tokenizer = session.model.tokenizer
        live = prompts.enumerated().map {
            Sequence(
                prompt: $0.offset, example: $0.element, decoder: tokenizer?.streamingDecoder(),
                stop: StopText(settings.stop))
        }
    }

    mutating func answers(_ onStep: (GenerationStep) -> Bool) throws -> [GeneratedText] {
        var phase = GraphVariant.Phase.prompt
        var step = 0
        while !live.isEmpty {
            let logits = try nextLogits(phase)
            let isWanted = try advance(logits, step, onStep)
            if !isWanted { finishAll(.cancelled) }
            phase = .decode
            step += 1
        }
        return finished.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Runs the rows that are not stored yet, and gives one row of logits for each live sequence.
    private mutating func nextLogits(_ phase: GraphVariant.Phase) throws -> MatrixView {
        let compiled = try session.compiledGraph(.generation(phase))
        let lengths = store.lengths
        let rows = live.map { sequence in
            let tokens = phase == .prompt ? sequence.example.tokens : sequence.answer.tokens.suffix(1)
            return Example(
                tokens: Array(tokens), fields: sequence.example.fields, subspaces: sequence.example.subspaces)
        }
        var run = BatchBinder.RunBatch(RaggedBatch(rows, demand: .lastRows, firstPositions: lengths))
        run.stored = lengths
        run.promptLengths = live.map(\.example.tokens.count)
        run.tokens = live.map { $0.example.tokens + $0.answer.tokens }
        let binder = BatchBinder(
            selections: compiled.selections, masks: compiled.masks, matching: session.textMatching)
        let inputs = try sources.inputs(binder, run, phase, prompts: live.map(\.prompt))
        try compiled.executor.run(inputs, parameters: session.parameters, keyValues: store)
        if phase == .prompt { try sources.keep(compiled, prompts: run) }
        guard let value = compiled.values.logits else {
            throw SessionError.unsuited(model: session.model.name, needs: "logits")
        }
        return try compiled.executor.output(of: value)
    }

    /// Chooses a token for each live sequence and drops those that end.
    private mutating func advance(
        _ logits: MatrixView, _ step: Int, _ onStep: (GenerationStep) -> Bool
    ) throws -> Bool {
        var isWanted = true
        var ended: Set<Int> = []
        for index in live.indices {
            let token = Int32(sampler.choose(logits.row(index), uniform: draw(live[index].prompt, step)))
            if endTokens.contains(token) {
                live[index].answer.ending = .endToken
            } else {
                let text = live[index].add(token)
                isWanted = onStep(GenerationStep(prompt: live[index].prompt, token: token, text: text)) && isWanted
                if live[index].stop.isMet {
                    live[index].answer.ending = .stopText
                } else if !isFull(live[index]) {
                    continue
                }
            }
            ended.insert(index)
        }
        for index in ended { finish(live[index]) }
        try store.remove(ended)
        live = live.indices.filter { !ended.contains($0) }.map { live[$0] }
        return isWanted
    }

    private func isFull(_ sequence: Sequence) -> Bool {
        let length = sequence.example.tokens.count + sequence.answer.tokens.count
        return sequence.answer.tokens.count >= settings.maximumTokens
            || session.model.sizes.positionLimit.map { length >= $0 } ?? false
    }

    private mutating func finish(_ sequence: Sequence) {
        var sequence = sequence
        _ = sequence.decoder?.finish().map { sequence.stop.push($0) }
        _ = sequence.stop.finish()
        sequence.answer.text = sequence.stop.released
        finished[sequence.prompt] = sequence.answer
    }

    private mutating func finishAll(_ ending: GeneratedText.Ending) {
        for var sequence in live {
            sequence.answer.ending = ending
            finish(sequence)
        }
        live = []
    }

    private func draw(_ prompt: Int, _ step: Int) -> Double {
        guard settings.temperature > 0 else { return 0 }
        var numbers = Philox(seed: settings.seed, stream: UInt64(prompt), counter: UInt64(step))
        return Double(numbers.nextUniform())
    }
}

extension Generation.Sequence {
    /// Adds a token.
    /// - Returns: the text that can be shown now.
    fileprivate mutating func add(_ token: Int32) -> String {
        answer.tokens.append(token)
        guard let text = decoder?.push(token) else { return "" }
        return stop.push(text)
    }
}
