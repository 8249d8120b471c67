/// WordPiece (BERT): the longest token that begins the word, then the longest continuing one, and so on;
/// a word that cannot be covered, or is too long, is one unknown token.
final class WordPieceModel: Sendable {
    /// Tokens that begin a word, and tokens that continue one, without their prefix; without a continuing prefix any
    /// token, as it is written, continues a word.
    let initial: TokenVocabulary
    let continuing: TokenVocabulary
    let unknown: Int32
    /// Words with more scalars than this are unknown.
    let longestWord: Int

    /// Sorts a vocabulary by how its tokens begin.
    init(
        _ tokens: TokenVocabulary, initialPrefix: String, continuingPrefix: String, unknown: Int32, longestWord: Int
    ) {
        var initial = TokenVocabulary()
        var continuing = TokenVocabulary()
        for id in 0..<tokens.count {
            guard let token = tokens.token(id) else { continue }
            if initialPrefix.isEmpty || token.starts(with: initialPrefix.utf8) {
                _ = initial.set(id, token.dropFirst(initialPrefix.utf8.count))
            }
            if continuingPrefix.isEmpty || token.starts(with: continuingPrefix.utf8) {
                _ = continuing.set(id, token.dropFirst(continuingPrefix.utf8.count))
            }
        }
        initial.finish()
        continuing.finish()
        self.initial = initial
        self.continuing = continuing
        self.unknown = unknown
        self.longestWord = longestWord
    }

    func tokenize(_ piece: TextPiece, into sink: inout TokenSink) {
        var scalars = 0
        for i in piece.start..<piece.end where piece.text[i] & 0xC0 != 0x80 { scalars += 1 }
        if scalars > longestWord { return sink.append(unknown, from: piece.start, to: piece.end) }
        var start = piece.start
        var count = 0
        while start < piece.end {
            let vocabulary = start == piece.start ? initial : continuing
            var end = min(piece.end, start + vocabulary.longest)
            var id: Int32 = -1
            while end > start {
                if end == piece.end || piece.text[end] & 0xC0 != 0x80 {
                    id = vocabulary.id(piece.text + start, end - start)
                    if id >= 0 { break }
                }
                end -= 1
            }
            if id < 0 {
                sink.removeLast(count)
                return sink.append(unknown, from: piece.start, to: piece.end)
            }
            sink.append(id, from: start, to: end)
            count += 1
            start = end
        }
    }
}
