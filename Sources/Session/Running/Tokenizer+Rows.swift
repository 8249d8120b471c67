import Tokenizers

extension Tokenizer {
    /// The rows whose tokens' text overlaps an occurrence of `pattern`, compared byte by byte.
    ///
    /// Tokens that hold parts of one character all count as that character.
    func rows(matching pattern: String, in tokens: [Int32]) -> [Int] {
        var text: [UInt8] = []
        var spans: [Range<Int>] = []
        var decoder = streamingDecoder(skipSpecialTokens: false)
        for token in tokens {
            let start = text.count
            text += (decoder.push(token) ?? "").utf8
            spans.append(start..<text.count)
        }
        text += (decoder.finish() ?? "").utf8
        // A token that ends within a character gives no text; the one that completes it does.
        var end = text.count
        for row in spans.indices.reversed() {
            if spans[row].isEmpty { spans[row] = spans[row].lowerBound..<end }
            end = spans[row].upperBound
        }
        let wanted = Array(pattern.utf8)
        guard !wanted.isEmpty, text.count >= wanted.count else { return [] }
        let found = (0...text.count - wanted.count).filter { text[$0..<$0 + wanted.count].elementsEqual(wanted) }
            .map { $0..<$0 + wanted.count }
        return spans.indices.filter { row in found.contains { $0.overlaps(spans[row]) } }
    }
}
