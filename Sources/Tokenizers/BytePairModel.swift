/// Byte-pair encoding: a word's symbols are merged pair by pair in order of rank.
///
/// Symbols are bytes (byte-level models, whose vocabulary has been turned back into bytes) or scalars (SentencePiece style).
/// A scalar without a token becomes its bytes' `<0xXX>` tokens, or the unknown token.
final class BytePairModel: Sendable {
    /// Tokens as they appear in the text.
    let vocabulary: TokenVocabulary
    let merges: MergeTable
    let isByteLevel: Bool
    /// Tokens of single bytes (byte-level) or of ASCII scalars, −1 where there is none.
    let singles: [Int32]
    /// Tokens `<0x00>` … `<0xFF>` (−1 where missing), empty without byte fallback.
    let fallback: [Int32]
    let unknown: Int32?
    let fusesUnknown: Bool
    /// A word that is a token as a whole is that token, whatever the merges give.
    let ignoresMerges: Bool
    /// No merge joins something before a `▁` with it, so that words can be looked at one by one.
    let splitsAtMarker: Bool

    init(
        vocabulary: TokenVocabulary, merges: MergeTable, mergedIDs: [Int32], isByteLevel: Bool, fallback: [Int32],
        unknown: Int32?, fusesUnknown: Bool, ignoresMerges: Bool
    ) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.isByteLevel = isByteLevel
        self.fallback = fallback
        self.unknown = unknown
        self.fusesUnknown = fusesUnknown
        self.ignoresMerges = ignoresMerges
        singles = (0..<256).map { byte in
            isByteLevel || byte < 128 ? vocabulary.id(CollectionOfOne(UInt8(byte))) ?? -1 : -1
        }
        splitsAtMarker =
            !isByteLevel && !ignoresMerges && vocabulary.id(Array("▁".utf8)) != nil
            && !mergedIDs.contains { id in
                vocabulary.token(Int(id)).map { WordMarker.isInside(Array($0)) } ?? true
            }
    }

    func tokenize(_ piece: TextPiece, into sink: inout TokenSink) {
        if ignoresMerges {
            let id = vocabulary.id(piece.text + piece.start, piece.end - piece.start)
            if id >= 0 { return sink.append(id, from: piece.start, to: piece.end) }
        }
        guard splitsAtMarker else { return tokenizeWord(piece, into: &sink) }
        WordMarker.forEachWord(piece) { tokenizeWord($0, into: &sink) }
    }

    @inline(__always)
    private func tokenizeWord(_ piece: TextPiece, into sink: inout TokenSink) {
        let length = piece.end - piece.start
        guard let cache = sink.cache, length <= WordCache.longestWord, length > 0 else {
            return mergeWord(piece, into: &sink)
        }
        let key = WordCache.key(piece.text + piece.start, length, readable: piece.readable - piece.start)
        if cache.append(key, to: &sink.ids) { return }
        let before = sink.ids.count
        mergeWord(piece, into: &sink)
        cache.store(key, sink.ids[before...])
    }

    private func mergeWord(_ piece: TextPiece, into sink: inout TokenSink) {
        sink.merging.removeAll()
        if isByteLevel {
            addBytes(piece, to: &sink.merging)
        } else {
            addScalars(piece, to: &sink.merging)
        }
        sink.merging.merge(merges)
        if sink.wantsSpans {
            var start = piece.start
            for i in 0..<sink.merging.ids.count {
                let end = start + Int(sink.merging.lengths[i])
                sink.append(sink.merging.ids[i], from: start, to: end)
                start = end
            }
        } else {
            sink.ids.append(contentsOf: sink.merging.ids)
        }
    }

    private func addBytes(_ piece: TextPiece, to word: inout BytePairMerging) {
        var unknowns = UnknownRun(id: unknown, fuses: fusesUnknown)
        for i in piece.start..<piece.end {
            let id = singles[Int(piece.text[i])]
            if id >= 0 {
                unknowns.flush(to: &word)
                word.append(id, length: 1)
            } else {
                unknowns.add(length: 1, to: &word)
            }
        }
        unknowns.flush(to: &word)
    }

    private func addScalars(_ piece: TextPiece, to word: inout BytePairMerging) {
        var unknowns = UnknownRun(id: unknown, fuses: fusesUnknown)
        var i = piece.start
        while i < piece.end {
            let length = scalar(piece.text, at: i, end: piece.end).length
            let id = length == 1 ? singles[Int(piece.text[i] & 0x7F)] : vocabulary.id(piece.text + i, length)
            if id >= 0 {
                unknowns.flush(to: &word)
                word.append(id, length: length)
            } else if !fallback.isEmpty, (i..<i + length).allSatisfy({ fallback[Int(piece.text[$0])] >= 0 }) {
                // Pending unknowns stay pending, as in the tokenizers package.
                for j in i..<i + length { word.append(fallback[Int(piece.text[j])], length: 1) }
            } else {
                unknowns.add(length: length, to: &word)
            }
            i += length
        }
        unknowns.flush(to: &word)
    }
}

/// Unknown symbols that have been met but not yet emitted; neighbours become one token where the model fuses them.
private struct UnknownRun {
    let id: Int32?
    let fuses: Bool
    private var length = 0

    init(id: Int32?, fuses: Bool) {
        self.id = id
        self.fuses = fuses
    }

    mutating func add(length added: Int, to word: inout BytePairMerging) {
        if !fuses { flush(to: &word) }
        length += added
    }

    mutating func flush(to word: inout BytePairMerging) {
        if length > 0, let id { word.append(id, length: length) }
        length = 0
    }
}

/// SentencePiece's mark of a word's beginning, `▁` (U+2581, E2 96 81).
enum WordMarker {
    @inline(__always)
    static func isMarker(_ text: UnsafePointer<UInt8>, _ i: Int, _ end: Int) -> Bool {
        text[i] == 0xE2 && i + 2 < end && text[i + 1] == 0x96 && text[i + 2] == 0x81
    }

    /// Whether a marker follows something else than a marker.
    static func isInside(_ token: [UInt8]) -> Bool {
        token.withUnsafeBufferPointer { buffer in
            guard let text = buffer.baseAddress else { return false }
            var i = 0
            var afterOther = false
            while i < buffer.count {
                if isMarker(text, i, buffer.count) {
                    if afterOther { return true }
                    i += 3
                } else {
                    afterOther = true
                    i += 1
                }
            }
            return false
        }
    }

    /// Splits a piece before each marker that follows something else.
    @inline(__always)
    static func forEachWord(_ piece: TextPiece, _ body: (TextPiece) -> Void) {
        var start = piece.start
        var i = start
        while i < piece.end {
            if isMarker(piece.text, i, piece.end) {
                let follows = i > start && !(i >= start + 3 && isMarker(piece.text, i - 3, piece.end))
                if follows {
                    body(TextPiece(text: piece.text, start: start, end: i, readable: piece.readable))
                    start = i
                }
                i += 3
            } else {
                i += 1
            }
        }
        if start < piece.end {
            body(TextPiece(text: piece.text, start: start, end: piece.end, readable: piece.readable))
        }
    }
}
