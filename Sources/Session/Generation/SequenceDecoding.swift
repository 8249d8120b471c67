import Runtime

/// Greedy decoding and independent draws: one or more answers to each prompt, each going on by itself.
struct SequenceDecoding {
    let batch: DecodingBatch
    let settings: GenerationSettings
    let chain: LogitsChain
    let endTokens: Set<Int32>
    let rooms: [AnswerRoom]
    /// The answers that are not finished, in the order of the batch.
    private var live: [Track] = []
    private var finished: [Int: GeneratedText] = [:]
    /// The places of the answers that go on, and their last tokens.
    private var survivors: [Int] = []
    private var next: [Int32] = []

    private struct Track {
        var prompt: Int
        var sample: Int
        var answer: GrowingAnswer
        var score = 0.0
    }

    init(_ batch: DecodingBatch, _ settings: GenerationSettings, _ rooms: [AnswerRoom]) {
        self.batch = batch
        self.settings = settings
        self.rooms = rooms
        endTokens = settings.ends(batch.session.model.endTokens)
        chain = LogitsChain(settings, endTokens: endTokens)
    }

    /// The answers of each prompt, one after another.
    mutating func answers(_ onStep: (GenerationStep) -> Bool) throws -> [GeneratedText] {
        let start = GrowingAnswer(batch.session.model.tokenizer, stop: settings.stop)
        for prompt in batch.prompts.indices {
            for sample in 0..<settings.samples { live.append(Track(prompt: prompt, sample: sample, answer: start)) }
        }
        for index in live.indices { live[index].answer.reserve(min(rooms[live[index].prompt].tokens, Self.reserved)) }
        next.reserveCapacity(live.count)
        survivors.reserveCapacity(live.count)
        var logits = try batch.runPrompts()
        // All answers to a prompt begin at its one row.
        var rows = live.map(\.prompt)
        var step = 0
        while true {
            let isWhole = advance(logits, rows, step, onStep)
            // Where each sequence goes on as it is, nothing is moved.
            if !isWhole || step == 0 {
                try batch.keep(survivors.map { rows[$0] })
                live = survivors.map { live[$0] }
                rows = Array(live.indices)
            }
            if live.isEmpty { break }
            logits = try batch.run(next, of: live.map(\.answer.tokens))
            step += 1
        }
        return finished.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Room for so many tokens is made before the first.
    private static let reserved = 4096

    /// Chooses a token for each answer.
    /// - Returns: whether all go on.
    private mutating func advance(
        _ logits: MatrixView, _ rows: [Int], _ step: Int, _ onStep: (GenerationStep) -> Bool
    ) -> Bool {
        var isWanted = true
        survivors.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        for index in live.indices {
            let row = logits.row(rows[index])
            guard let token = choose(row, index, step) else {
                finish(live[index], .noCandidate)
                continue
            }
            if settings.scores { live[index].score += Double(row[Int(token)]) - row.logNormaliser() }
            if endTokens.contains(token) {
                finish(live[index], .endToken)
                continue
            }
            let (prompt, sample) = (live[index].prompt, live[index].sample)
            let text = live[index].answer.add(token)
            isWanted = onStep(GenerationStep(prompt: prompt, sample: sample, token: token, text: text)) && isWanted
            if live[index].answer.meetsStop {
                finish(live[index], .stopText)
            } else if live[index].answer.tokens.count >= rooms[prompt].tokens {
                finish(live[index], rooms[prompt].ending)
            } else {
                survivors.append(index)
                next.append(token)
            }
        }
        if !isWanted {
            for index in survivors { finish(live[index], .cancelled) }
            survivors = []
        }
        return survivors.count == live.count
    }

    private func choose(_ logits: UnsafeBufferPointer<Float>, _ index: Int, _ step: Int) -> Int32? {
        let isTaken = !settings.draws || settings.topK == 1
        if isTaken, chain.isEmpty { return logits.likeliest().map { Int32($0) } }
        let track = live[index]
        var scores = Array(logits)
        chain.process(
            &scores,
            after: TokenHistory(prompt: batch.prompts[track.prompt].tokens, answer: track.answer.tokens))
        if isTaken { return scores.withUnsafeBufferPointer { $0.likeliest() }.map { Int32($0) } }
        let stream = UInt64(track.prompt) | UInt64(track.sample) << 32
        var numbers = Philox(seed: settings.seed, stream: stream, counter: UInt64(step))
        return Candidates(scores).drawn(Double(numbers.nextUniform())).map { Int32($0) }
    }

    private mutating func finish(_ track: Track, _ ending: GeneratedText.Ending) {
        finished[track.prompt * settings.samples + track.sample] = track.answer.ended(
            ending, prompt: track.prompt, score: settings.scores ? track.score : nil)
    }
}
