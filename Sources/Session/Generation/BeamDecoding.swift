import Foundation
import Runtime

/// Beam search of several prompts in one batch.
struct BeamDecoding {
    let batch: DecodingBatch
    let settings: GenerationSettings
    let chain: LogitsChain
    /// One for each prompt.
    private var searches: [BeamSearch]

    init(_ batch: DecodingBatch, _ settings: GenerationSettings, _ beams: BeamSettings, _ rooms: [AnswerRoom]) {
        self.batch = batch
        self.settings = settings
        let endTokens = settings.ends(batch.session.model.endTokens)
        chain = LogitsChain(settings, endTokens: endTokens)
        let start = GrowingAnswer(batch.session.model.tokenizer, stop: settings.stop)
        searches = rooms.enumerated().map {
            BeamSearch(prompt: $0, start, beams, endTokens: endTokens, room: $1)
        }
    }

    /// The answers of each prompt, one after another.
    mutating func answers(_ onStep: (GenerationStep) -> Bool) throws -> [GeneratedText] {
        var logits = try batch.runPrompts()
        var step = 0
        while true {
            let order = advance(logits, step)
            try batch.keep(order)
            if !report(onStep) { for place in searches.indices { searches[place].cancel() } }
            let open = searches.filter { !$0.isDone }.flatMap(\.running)
            if open.isEmpty { break }
            logits = try batch.run(open.compactMap(\.answer.tokens.last), of: open.map(\.answer.tokens))
            step += 1
        }
        return searches.flatMap(\.answers)
    }

    /// Goes one token further with every search that is not done.
    /// - Returns: the rows that the running sequences go on from.
    private mutating func advance(_ logits: MatrixView, _ step: Int) -> [Int] {
        var order: [Int] = []
        var first = 0
        for place in searches.indices where !searches[place].isDone {
            let count = searches[place].running.count
            let continuations = continuations(of: searches[place], logits, first, step)
            let parents = searches[place].advance(continuations)
            if !searches[place].isDone { order += parents.map { first + $0 } }
            first += count
        }
        return order
    }

    private func continuations(
        of search: BeamSearch, _ logits: MatrixView, _ first: Int, _ step: Int
    ) -> [BeamSearch.Continuation] {
        let prompt = batch.prompts[search.prompt].tokens
        var all: [Float] = []
        for (place, beam) in search.running.enumerated() {
            var scores = Array(logits.row(first + place)).logProbabilities()
            chain.process(&scores, after: TokenHistory(prompt: prompt, answer: beam.answer.tokens))
            let score = Float(beam.score)
            all += scores.map { $0 + score }
        }
        let width = search.width
        let chosen = settings.draws ? drawn(width, from: all, search.prompt, step) : all.likeliest(width)
        let columns = logits.columns
        return chosen.map {
            BeamSearch.Continuation(parent: $0 / columns, token: $0 % columns, score: Double(all[$0]))
        }
    }

    /// Draws places without replacement, each with a probability in proportion to exp(score): the largest sums of
    /// score and Gumbel noise −log(−log u) (Kool et al. 2019).
    private func drawn(_ count: Int, from scores: [Float], _ prompt: Int, _ step: Int) -> [Int] {
        let mostScores = scores.count / max(searches[prompt].running.count, 1) * searches[prompt].settings.count
        var numbers = Philox(seed: settings.seed, stream: UInt64(prompt), counter: UInt64(step * mostScores))
        let noise = numbers.uniforms(scores.count)
        let keys = zip(scores, noise).map { score, uniform in
            score > -.infinity ? score - Float(log(-log(max(Double(uniform), 0x1p-25)))) : score
        }
        return keys.likeliest(count)
    }

    /// Tells of the best running sequence of each search.
    private func report(_ onStep: (GenerationStep) -> Bool) -> Bool {
        var isWanted = true
        for search in searches where !search.isDone {
            guard let token = search.running.first?.answer.tokens.last else { continue }
            isWanted = onStep(GenerationStep(prompt: search.prompt, token: token, text: "")) && isWanted
        }
        return isWanted
    }
}
