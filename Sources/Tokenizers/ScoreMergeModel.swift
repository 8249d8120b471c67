/// SentencePiece BPE as GGUF files carry it: no merge list, but a score per token; neighbours merge when their
/// concatenation is a token, the best score first, then from the left. What is left without a token becomes bytes.
final class ScoreMergeModel: Sendable {
    let vocabulary: TokenVocabulary
    let scores: [Float]
    /// Tokens `<0x00>` … `<0xFF>`, −1 where missing.
    let fallback: [Int32]
    let unknown: Int32?
    let splitsAtMarker: Bool

    init(vocabulary: TokenVocabulary, scores: [Float], fallback: [Int32], unknown: Int32?) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.fallback = fallback
        self.unknown = unknown
        splitsAtMarker = !(0..<vocabulary.count).contains { id in
            vocabulary.token(id).map { WordMarker.isInside(Array($0)) } ?? false
        }
    }

    func tokenize(_ piece: TextPiece, into sink: inout TokenSink) {
        guard splitsAtMarker else { return tokenizeWord(piece, into: &sink) }
        WordMarker.forEachWord(piece) { tokenizeWord($0, into: &sink) }
    }

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
        sink.scoring.merge(piece, self)
        for (start, length) in sink.scoring.result {
            let id = vocabulary.id(piece.text + start, length)
            if id >= 0 {
                sink.append(id, from: start, to: start + length)
                continue
            }
            for i in start..<start + length {
                let byte = fallback[Int(piece.text[i])]
                if byte >= 0 {
                    sink.append(byte, from: i, to: i + 1)
                } else if let unknown {
                    sink.append(unknown, from: i, to: i + 1)
                }
            }
        }
    }
}

/// Working memory of score-driven merging.
struct ScoreMerging {
    private struct Symbol {
        var start: Int
        var length: Int
        var previous: Int
        var next: Int
    }

    private struct Candidate {
        var score: Float
        var left: Int
        var length: Int

        func precedes(_ other: Candidate) -> Bool {
            score > other.score || (score == other.score && left < other.left)
        }
    }

    private var symbols: [Symbol] = []
    private var heap: [Candidate] = []

    /// Start and length of what is left after all merges.
    var result: [(start: Int, length: Int)] {
        symbols.compactMap { $0.length > 0 ? ($0.start, $0.length) : nil }
    }

    mutating func merge(_ piece: TextPiece, _ model: ScoreMergeModel) {
        symbols.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        var i = piece.start
        while i < piece.end {
            let length = scalar(piece.text, at: i, end: piece.end).length
            symbols.append(.init(start: i, length: length, previous: symbols.count - 1, next: symbols.count + 1))
            i += length
        }
        if symbols.count < 2 { return }
        symbols[symbols.count - 1].next = -1
        for left in 0..<symbols.count - 1 { push(left, piece, model) }
        while let best = popFirst() {
            let right = symbols[best.left].next
            guard symbols[best.left].length > 0, right >= 0,
                symbols[best.left].length + symbols[right].length == best.length
            else { continue }
            symbols[best.left].length = best.length
            symbols[best.left].next = symbols[right].next
            symbols[right].length = 0
            if symbols[right].next >= 0 { symbols[symbols[right].next].previous = best.left }
            if symbols[best.left].previous >= 0 { push(symbols[best.left].previous, piece, model) }
            push(best.left, piece, model)
        }
    }

    private mutating func push(_ left: Int, _ piece: TextPiece, _ model: ScoreMergeModel) {
        let right = symbols[left].next
        guard right >= 0 else { return }
        let length = symbols[left].length + symbols[right].length
        let id = model.vocabulary.id(piece.text + symbols[left].start, length)
        guard id >= 0 else { return }
        heap.append(.init(score: model.scores[Int(id)], left: left, length: length))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popFirst() -> Candidate? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            if !heap[child].precedes(heap[parent]) { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first
    }
}
