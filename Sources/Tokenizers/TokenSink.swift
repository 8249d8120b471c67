/// Where a model puts its tokens: ids and, when asked for, the bytes of the piece's text that each covers.
struct TokenSink {
    var ids: [Int32] = []
    var spans: [Range<Int32>] = []
    let wantsSpans: Bool
    /// Working memory, kept between words.
    var merging = BytePairMerging()
    var scoring = ScoreMerging()
    let cache: WordCache?

    init(wantsSpans: Bool, cache: WordCache?) {
        self.wantsSpans = wantsSpans
        self.cache = wantsSpans ? nil : cache
    }

    @inline(__always)
    mutating func append(_ id: Int32, from start: Int, to end: Int) {
        ids.append(id)
        if wantsSpans { spans.append(Int32(start)..<Int32(end)) }
    }

    mutating func removeLast(_ count: Int) {
        ids.removeLast(count)
        if wantsSpans { spans.removeLast(count) }
    }
}

/// A piece of text: all readable bytes and the part to be tokenized.
struct TextPiece {
    let text: UnsafePointer<UInt8>
    let start: Int
    let end: Int
    /// Bytes that may be read, from `text` on.
    let readable: Int
}

/// A model turns one pre-tokenized piece into tokens.
enum TokenModel: Sendable {
    case bytePair(BytePairModel)
    case wordPiece(WordPieceModel)
    case scoreMerge(ScoreMergeModel)
    case wordLevel(TokenVocabulary, unknown: Int32)

    @inline(__always)
    func tokenize(_ piece: TextPiece, into sink: inout TokenSink) {
        switch self {
        case .bytePair(let model): model.tokenize(piece, into: &sink)
        case .wordPiece(let model): model.tokenize(piece, into: &sink)
        case .scoreMerge(let model): model.tokenize(piece, into: &sink)
        case .wordLevel(let vocabulary, let unknown):
            let id = vocabulary.id(piece.text + piece.start, piece.end - piece.start)
            sink.append(id < 0 ? unknown : id, from: piece.start, to: piece.end)
        }
    }
}
