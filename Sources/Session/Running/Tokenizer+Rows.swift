import InterventionDSL
import Tokenizers

extension Tokenizer {
    /// The rows whose tokens' text overlaps an occurrence of a pattern.
    ///
    /// Tokens that hold parts of one character all count as that character.
    func rows(matching pattern: TokenPattern, in tokens: [Int32]) -> [Int] {
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
        let found = pattern.occurrences(in: text)
        return spans.indices.filter { row in found.contains { $0.overlaps(spans[row]) } }
    }
}

extension TokenPattern {
    /// Where a text in UTF-8 holds the pattern; occurrences of a fixed text may overlap.
    fileprivate func occurrences(in text: [UInt8]) -> [Range<Int>] {
        switch self {
        case .text(let pattern):
            let wanted = Array(pattern.utf8)
            guard !wanted.isEmpty, text.count >= wanted.count else { return [] }
            return (0...text.count - wanted.count).filter { text[$0..<$0 + wanted.count].elementsEqual(wanted) }
                .map { $0..<$0 + wanted.count }
        case .expression(let expression):
            // One that can not be read was refused when the program was bound.
            guard let regex = try? Regex(expression) else { return [] }
            let whole = String(decoding: text, as: UTF8.self)
            return whole.matches(of: regex).filter { !$0.range.isEmpty }.map { match in
                let start = whole.utf8.distance(from: whole.startIndex, to: match.range.lowerBound)
                return start..<start + whole.utf8.distance(from: match.range.lowerBound, to: match.range.upperBound)
            }
        }
    }
}
