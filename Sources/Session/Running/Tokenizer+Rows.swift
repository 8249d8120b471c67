import Tokenizers

extension Tokenizer {
    /// The rows whose tokens' text overlaps an occurrence of `pattern`.
    func rows(matching pattern: String, in tokens: [Int32]) -> [Int] {
        guard !pattern.isEmpty else { return [] }
        var text = ""
        var starts: [Int] = []
        var decoder = streamingDecoder(skipSpecialTokens: false)
        for token in tokens {
            starts.append(text.utf8.count)
            text += decoder.push(token) ?? ""
        }
        text += decoder.finish() ?? ""
        let ends = starts.dropFirst() + [text.utf8.count]
        let spans = zip(starts, ends).map { $0..<$1 }
        let found = text.ranges(of: pattern).map { range in
            text.utf8.distance(from: text.startIndex, to: range.lowerBound)..<text.utf8.distance(
                from: text.startIndex, to: range.upperBound)
        }
        return spans.indices.filter { row in found.contains { $0.overlaps(spans[row]) } }
    }
}
