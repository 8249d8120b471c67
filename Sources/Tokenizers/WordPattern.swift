/// The splitting patterns of common byte-level models, as scanners over UTF-8.
///
/// Every byte belongs to exactly one word. The patterns are compared as text with those a tokenizer file gives; any
/// other pattern goes through `PatternExpression`.
enum WordPattern: Sendable, Equatable {
    /// GPT-2: contractions, letters, digits, other signs, each with a space before it, and white space.
    case gpt2
    /// Llama 3 (runs of up to three digits) and Qwen 2 (single digits): any contraction, a sign may lead a word,
    /// line ends stay with the signs before them.
    case llama3(digits: Int)

    static let gpt2Source = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    static func llama3Source(digits: Int) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + (digits == 1 ? "" : "{1,\(digits)}")
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// The scanner for a pattern, nil when there is none.
    init?(source: String) {
        switch source {
        case Self.gpt2Source, #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: self = .gpt2
        case Self.llama3Source(digits: 3): self = .llama3(digits: 3)
        case Self.llama3Source(digits: 1): self = .llama3(digits: 1)
        default: return nil
        }
    }

    /// Appends the end of each word in `start..<end`.
    func scan(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ ends: inout [Int32]) {
        let scanner = WordScanner(text: text, end: end)
        var i = start
        switch self {
        case .gpt2:
            while i < end {
                i = scanner.gpt2Word(i)
                ends.append(Int32(truncatingIfNeeded: i))
            }
        case .llama3(let digits):
            while i < end {
                i = scanner.llama3Word(i, digits: digits)
                ends.append(Int32(truncatingIfNeeded: i))
            }
        }
    }
}

/// Finds where the word that begins at a place ends.
private struct WordScanner {
    let text: UnsafePointer<UInt8>
    let end: Int
    let table = UnicodeClass.table

    /// Class and length of the scalar at `i`.
    @inline(__always)
    func look(_ i: Int) -> (kind: UnicodeClass, length: Int) {
        let (value, length) = scalar(text, at: i, end: end)
        return (UnicodeClass(value, table), length)
    }

    @inline(__always)
    func skip(_ i: Int, while condition: (UnicodeClass) -> Bool) -> Int {
        var i = i
        while i < end {
            let (kind, length) = look(i)
            if !condition(kind) { break }
            i += length
        }
        return i
    }

    func gpt2Word(_ i: Int) -> Int {
        if text[i] == 0x27 {
            let length = contraction(i, ignoresCase: false)
            if length > 0 { return i + length }
        }
        let leads = text[i] == 0x20 && i + 1 < end
        let start = leads ? i + 1 : i
        let (kind, length) = look(start)
        if kind.isLetter { return skip(start + length) { $0.isLetter } }
        if kind.isNumber { return skip(start + length) { $0.isNumber } }
        if !kind.isSpace { return skip(start + length) { !$0.isLetter && !$0.isNumber && !$0.isSpace } }
        return spaces(i)
    }

    func llama3Word(_ i: Int, digits: Int) -> Int {
        if text[i] == 0x27 {
            let length = contraction(i, ignoresCase: true)
            if length > 0 { return i + length }
        }
        let (kind, length) = look(i)
        if kind.isLetter { return skip(i + length) { $0.isLetter } }
        let isLineEnd = text[i] == 0x0A || text[i] == 0x0D
        if !kind.isNumber, !isLineEnd, i + length < end {
            let (following, width) = look(i + length)
            if following.isLetter { return skip(i + length + width) { $0.isLetter } }
        }
        if kind.isNumber {
            var j = i + length
            for _ in 1..<max(digits, 1) where j < end {
                let (next, width) = look(j)
                if !next.isNumber { break }
                j += width
            }
            return j
        }
        let start = text[i] == 0x20 && i + 1 < end ? i + 1 : i
        let (sign, width) = look(start)
        if !sign.isSpace, !sign.isLetter, !sign.isNumber {
            var j = skip(start + width) { !$0.isLetter && !$0.isNumber && !$0.isSpace }
            while j < end, text[j] == 0x0A || text[j] == 0x0D { j += 1 }
            return j
        }
        let run = skip(i) { $0.isSpace }
        var last = run - 1
        while last >= i, text[last] != 0x0A, text[last] != 0x0D { last -= 1 }
        return last >= i ? last + 1 : spaces(i)
    }

    /// `\s+(?!\S)|\s+`: all white space, less the last one where a word follows and there is more than one.
    private func spaces(_ i: Int) -> Int {
        let run = skip(i) { $0.isSpace }
        if run == end { return run }
        let last = scalarStart(text, before: run)
        return last > i ? last : run
    }

    /// Length of `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe, 0 when there is none.
    private func contraction(_ i: Int, ignoresCase: Bool) -> Int {
        guard i + 1 < end else { return 0 }
        let fold: UInt8 = ignoresCase ? 0x20 : 0
        let first = text[i + 1] | fold
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        // U+017F, the long s, is an s when case is ignored.
        case 0xC5 | fold: return ignoresCase && i + 2 < end && text[i + 1] == 0xC5 && text[i + 2] == 0xBF ? 3 : 0
        default: break
        }
        guard i + 2 < end else { return 0 }
        switch (first, text[i + 2] | fold) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return 3
        default: return 0
        }
    }
}
