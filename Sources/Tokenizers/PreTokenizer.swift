/// One step that cuts text into pieces before the model sees it.
enum PreTokenizer: Sendable {
    /// Bytes stand for themselves (the vocabulary has been turned back into bytes); optionally GPT-2's splitting.
    case byteLevel(addsPrefixSpace: Bool, splits: Bool)
    case words(WordPattern)
    case pattern(PatternExpression, SplitBehavior, inverted: Bool)
    case literal([UInt8], SplitBehavior, inverted: Bool)
    case metaspace(marker: [UInt8], prepends: MetaspacePrefix, splits: Bool)
    case bert
    /// `\w+|[^\w\s]+`
    case whitespace
    case whitespaceSplit
    case punctuation(SplitBehavior)
    case digits(individual: Bool)

    func apply(_ pieces: inout PreTokenizedText) {
        switch self {
        case .byteLevel(let addsPrefixSpace, let splits):
            if addsPrefixSpace { prependSpace(&pieces) }
            if splits { Self.words(.gpt2).apply(&pieces) }
        case .words(let pattern):
            pieces.refine { text, piece, parts in
                let before = parts.ends.count
                pattern.scan(text, piece.lowerBound, piece.upperBound, &parts.ends)
                var start = Int32(piece.lowerBound)
                for i in before..<parts.ends.count {
                    parts.starts.append(start)
                    start = parts.ends[i]
                }
            }
        case .pattern(let expression, let behavior, let inverted):
            pieces.refine { text, piece, parts in
                let found = expression.matches(in: text, piece.lowerBound, piece.upperBound)
                parts.append(piece, matches: found, behavior, inverted: inverted)
            }
        case .literal(let delimiter, let behavior, let inverted):
            pieces.refine { text, piece, parts in
                let found = occurrences(of: delimiter, in: text, piece)
                parts.append(piece, matches: found, behavior, inverted: inverted)
            }
        case .metaspace(let marker, let prefix, let splits):
            metaspace(&pieces, marker, prefix, splits)
        case .bert:
            splitByClass(&pieces) { kind, value in
                kind.isSpace ? .drop : Self.isPunctuation(kind, value) ? .alone : .run(0)
            }
        case .whitespace:
            splitByClass(&pieces) { kind, value in
                kind.isSpace ? .drop : PatternCharacterSet.isWord(kind, value) ? .run(0) : .run(1)
            }
        case .whitespaceSplit:
            splitByClass(&pieces) { kind, _ in kind.isSpace ? .drop : .run(0) }
        case .punctuation(let behavior):
            pieces.refine { text, piece, parts in
                let found = Self.scalars(in: text, piece) { Self.isPunctuation($0, $1) }
                parts.append(piece, matches: found, behavior, inverted: false)
            }
        case .digits(let individual):
            splitByClass(&pieces) { kind, _ in kind.isNumber ? (individual ? .alone : .run(1)) : .run(0) }
        }
    }

    /// ASCII signs, among them some that Unicode calls symbols, and Unicode punctuation.
    static func isPunctuation(_ kind: UnicodeClass, _ value: UInt32) -> Bool {
        kind.isPunctuation || (value < 0x80 && kind.isSymbol)
    }

    /// What to do with a scalar: leave it out, make it a piece, or let it join neighbours of the same run.
    private enum Place: Equatable {
        case drop
        case alone
        case run(Int)
    }

    private func splitByClass(_ pieces: inout PreTokenizedText, _ place: (UnicodeClass, UInt32) -> Place) {
        let table = UnicodeClass.table
        pieces.refine { text, piece, parts in
            var start = piece.lowerBound
            var running = Place.drop
            var i = start
            while i < piece.upperBound {
                let (value, length) = scalar(text, at: i, end: piece.upperBound)
                let here = place(UnicodeClass(value, table), value)
                if here != running || here == .alone {
                    if running != .drop { parts.append(start, i) }
                    start = i
                    running = here
                }
                i += length
            }
            if running != .drop { parts.append(start, piece.upperBound) }
        }
    }

    private static func scalars(
        in text: UnsafePointer<UInt8>, _ piece: Range<Int>, where condition: (UnicodeClass, UInt32) -> Bool
    ) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var i = piece.lowerBound
        while i < piece.upperBound {
            let (value, length) = scalar(text, at: i, end: piece.upperBound)
            if condition(UnicodeClass(value), value) { found.append(i..<i + length) }
            i += length
        }
        return found
    }

    private func prependSpace(_ pieces: inout PreTokenizedText) {
        let text = pieces.text.bytes
        guard pieces.starts.contains(where: { text[Int($0)] != 0x20 }) else { return }
        pieces.rewrite { piece, writer in
            if text[piece.lowerBound] != 0x20 { writer.prepend([0x20], to: piece, in: text) }
            writer.copy(piece)
        }
    }

    private func metaspace(
        _ pieces: inout PreTokenizedText, _ marker: [UInt8], _ prefix: MetaspacePrefix, _ splits: Bool
    ) {
        let old = pieces.text
        pieces.rewrite { piece, writer in
            let first = old.bytes[piece]
            let isMarked = first.first == 0x20 || first.starts(with: marker)
            let isWanted =
                switch prefix {
                case .always: true
                case .first: old.origin(piece).lowerBound == 0
                case .never: false
                }
            if isWanted, !isMarked { writer.prepend(marker, to: piece, in: old.bytes) }
            var start = piece.lowerBound
            for i in piece where old.bytes[i] == 0x20 {
                writer.copy(start..<i)
                writer.replace(i..<i + 1, with: marker)
                start = i + 1
            }
            writer.copy(start..<piece.upperBound)
        }
        if splits { Self.literal(marker, .mergedWithNext, inverted: false).apply(&pieces) }
    }
}

/// When Metaspace puts its marker before a piece.
enum MetaspacePrefix: String, CaseIterable, Sendable {
    case always, first, never
}

extension AlignedText.Rewriter {
    /// Inserts bytes before a piece; they count as its first scalar where ranges of the original are asked for.
    mutating func prepend(_ new: [UInt8], to piece: Range<Int>, in text: [UInt8]) {
        var end = piece.lowerBound + 1
        while end < piece.upperBound, text[end] & 0xC0 == 0x80 { end += 1 }
        replace(piece.lowerBound..<min(end, piece.upperBound), with: new)
    }
}

/// Where `needle` occurs in a part of the text, from the left, without overlap.
func occurrences(of needle: [UInt8], in text: UnsafePointer<UInt8>, _ range: Range<Int>) -> [Range<Int>] {
    guard let first = needle.first, range.count >= needle.count else { return [] }
    var found: [Range<Int>] = []
    var i = range.lowerBound
    let last = range.upperBound - needle.count
    while i <= last {
        if text[i] == first, needle.indices.allSatisfy({ text[i + $0] == needle[$0] }) {
            found.append(i..<i + needle.count)
            i += needle.count
        } else {
            i += 1
        }
    }
    return found
}
