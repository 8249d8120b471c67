import Foundation

/// The beam search of one prompt, as transformers 4.57 defines it.
///
/// At each step the best `(ends + 1) · beams` continuations of all running sequences are looked at. Those among the first
/// `beams` that end are finished, with the score Σ log p / lengthᵃ; the best `beams` that do not end go on; the best
/// `beams` finished ones are kept.
struct BeamSearch {
    /// A sequence, and Σ log p of its tokens.
    struct Beam {
        var answer: GrowingAnswer
        var score: Double
    }

    private struct Finished {
        var answer: GrowingAnswer
        var score: Double
        var ending: GeneratedText.Ending
    }

    /// A token after a running sequence.
    struct Continuation: Hashable {
        var parent: Int
        var token: Int
        var score: Double
    }

    let prompt: Int
    let settings: BeamSettings
    let endTokens: Set<Int32>
    let room: AnswerRoom
    /// The sequences that go on, the best first.
    private(set) var running: [Beam]
    private var finished: [Finished] = []
    /// How many tokens each running sequence has.
    private var length = 0
    private(set) var isDone = false

    init(prompt: Int, _ start: GrowingAnswer, _ settings: BeamSettings, endTokens: Set<Int32>, room: AnswerRoom) {
        self.prompt = prompt
        self.settings = settings
        self.endTokens = endTokens
        self.room = room
        running = [Beam(answer: start, score: 0)]
    }

    /// How many continuations are looked at.
    var width: Int { max(2, 1 + endTokens.count) * settings.count }

    /// Goes one token further.
    /// - Parameter continuations: ``width`` of them or as many as there are, in the order of their choice.
    /// - Returns: which running sequence each one that runs now goes on from.
    mutating func advance(_ continuations: [Continuation]) -> [Int] {
        var open: [(beam: Beam, parent: Int)] = []
        for (place, next) in continuations.enumerated() {
            var answer = running[next.parent].answer
            let ending = end(of: &answer, with: Int32(next.token))
            if let ending {
                if place < settings.count { finish(answer, next.score, length + 1, ending) }
            } else {
                open.append((Beam(answer: answer, score: next.score), next.parent))
            }
        }
        length += 1
        guard !open.isEmpty else {
            if continuations.isEmpty { for beam in running { finish(beam.answer, beam.score, length, .noCandidate) } }
            running = []
            isDone = true
            return []
        }
        // Drawn continuations come in any order; equal scores stay in theirs.
        let order = open.indices.sorted { (open[$0].beam.score, $1) > (open[$1].beam.score, $0) }
        let kept = order.prefix(settings.count).map { open[$0] }
        running = kept.map(\.beam)
        isDone = !canImprove
        return kept.map(\.parent)
    }

    /// Adds a token that does not end the answer, or says how it ends.
    private func end(of answer: inout GrowingAnswer, with token: Int32) -> GeneratedText.Ending? {
        if endTokens.contains(token) { return .endToken }
        answer.add(token)
        if answer.meetsStop { return .stopText }
        return answer.tokens.count >= room.tokens ? room.ending : nil
    }

    private mutating func finish(
        _ answer: GrowingAnswer, _ sum: Double, _ length: Int, _ ending: GeneratedText.Ending
    ) {
        let new = Finished(answer: answer, score: normalised(sum, length), ending: ending)
        let place = finished.firstIndex { $0.score < new.score } ?? finished.count
        finished.insert(new, at: place)
        if finished.count > settings.count { finished.removeLast() }
    }

    private func normalised(_ sum: Double, _ length: Int) -> Double {
        sum / pow(Double(max(length, 1)), settings.lengthPenalty)
    }

    /// Whether a running sequence may still become better than the worst finished one.
    private var canImprove: Bool {
        guard finished.count >= settings.count, let worst = finished.last, let best = running.first else { return true }
        if settings.earlyStopping == .immediately { return false }
        // What the best running sequence would score at the length that favours it most.
        let favoured = settings.earlyStopping == .never && settings.lengthPenalty > 0 ? room.tokens : length
        return normalised(best.score, favoured) > worst.score
    }

    /// Ends the search where it is.
    mutating func cancel() {
        for beam in running { finish(beam.answer, beam.score, length, .cancelled) }
        running = []
        isDone = true
    }

    /// The best answers, the best first.
    var answers: [GeneratedText] {
        finished.prefix(settings.returned).map { $0.answer.ended($0.ending, prompt: prompt, score: $0.score) }
    }
}
