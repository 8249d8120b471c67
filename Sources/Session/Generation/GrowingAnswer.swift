import Tokenizers

/// An answer while it grows: its tokens, and its text as far as it is certain. A value, so that beams can fork it.
struct GrowingAnswer: Sendable {
    private(set) var tokens: [Int32] = []
    private var decoder: StreamingDecoder?
    private var stop: StopText

    init(_ tokenizer: Tokenizer?, stop stops: [String]) {
        decoder = tokenizer?.streamingDecoder()
        stop = StopText(stops)
    }

    /// Whether a stop text was met.
    var meetsStop: Bool { stop.isMet }

    /// Makes room for so many tokens.
    mutating func reserve(_ count: Int) { tokens.reserveCapacity(count) }

    /// Adds a token.
    /// - Returns: the text that can be shown now.
    @discardableResult
    mutating func add(_ token: Int32) -> String {
        tokens.append(token)
        guard let text = decoder?.push(token) else { return "" }
        return stop.push(text)
    }

    /// The answer, with the text that was held back.
    func ended(_ ending: GeneratedText.Ending, prompt: Int, score: Double? = nil) -> GeneratedText {
        var (decoder, stop) = (decoder, stop)
        _ = decoder?.finish().map { stop.push($0) }
        _ = stop.finish()
        return GeneratedText(prompt: prompt, tokens: tokens, text: stop.released, ending: ending, score: score)
    }
}
