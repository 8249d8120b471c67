/// A token that is found in the text before anything else happens to it.
struct AddedToken: Sendable, Equatable {
    var id: Int32
    var content: String
    var isSpecial = false
    /// Takes the white space before (after) it along.
    var stripsLeft = false
    var stripsRight = false
    /// Only between two non-word characters.
    var isSingleWord = false
    /// Looked for in the normalized text.
    var isNormalized = false
}

/// The added tokens of a tokenizer, found from the left, the longest first.
struct AddedTokens: Sendable {
    private(set) var tokens: [AddedToken] = []
    private var raw = Finder()
    private var normalized = Finder()
    private var special: Set<Int32> = []

    init(_ tokens: [AddedToken], normalizers: [Normalizer]) {
        self.tokens = tokens
        for (index, token) in tokens.enumerated() where !token.content.isEmpty {
            if token.isSpecial { special.insert(token.id) }
            if token.isNormalized {
                var text = AlignedText(Array(token.content.utf8), base: 0, isAligned: false)
                for normalizer in normalizers { normalizer.apply(&text) }
                normalized.add(text.bytes, index)
            } else {
                raw.add(Array(token.content.utf8), index)
            }
        }
        raw.finish()
        normalized.finish()
    }

    func isSpecial(_ id: Int32) -> Bool { special.contains(id) }

    /// A part of a text: an added token, or text between them.
    struct Part {
        var range: Range<Int>
        var id: Int32?
    }

    /// Cuts original text at the tokens that are looked for there, or normalized text at the others.
    func parts(of text: [UInt8], isNormalized: Bool) -> [Part] {
        let finder = isNormalized ? normalized : raw
        if text.isEmpty { return [] }
        if finder.isEmpty { return [Part(range: 0..<text.count)] }
        return text.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { parts($0, buffer.count, finder) } ?? []
        }
    }

    private func parts(_ text: UnsafePointer<UInt8>, _ count: Int, _ finder: Finder) -> [Part] {
        var parts: [Part] = []
        var last = 0
        var i = 0
        while let (index, found) = finder.next(text, from: i, count) {
            i = found.upperBound
            // White space that the token before it took along is gone.
            if found.lowerBound < last { continue }
            let token = tokens[index]
            var range = found
            if token.isSingleWord {
                let before = range.lowerBound > 0 && isWord(text, scalarStart(text, before: range.lowerBound), count)
                let after = range.upperBound < count && isWord(text, range.upperBound, count)
                if before || after { continue }
            }
            if token.stripsLeft {
                var start = range.lowerBound
                while start > last {
                    let previous = scalarStart(text, before: start)
                    if !UnicodeClass(scalar(text, at: previous, end: count).value).isSpace { break }
                    start = previous
                }
                range = max(start, last)..<range.upperBound
            }
            if token.stripsRight {
                var end = range.upperBound
                while end < count {
                    let (value, length) = scalar(text, at: end, end: count)
                    if !UnicodeClass(value).isSpace { break }
                    end += length
                }
                range = range.lowerBound..<end
            }
            if last < range.lowerBound { parts.append(Part(range: last..<range.lowerBound)) }
            parts.append(Part(range: range, id: token.id))
            last = range.upperBound
        }
        if last < count { parts.append(Part(range: last..<count)) }
        return parts
    }

    private func isWord(_ text: UnsafePointer<UInt8>, _ i: Int, _ count: Int) -> Bool {
        let value = scalar(text, at: i, end: count).value
        return PatternCharacterSet.isWord(UnicodeClass(value), value)
    }
}

/// Finds any of a set of strings: a table of first bytes, then for each length that occurs (longest first) a hash.
private struct Finder: Sendable {
    private var contents = TokenVocabulary()
    /// Lengths of the strings that begin with a byte, longest first.
    private var lengths = [[Int]](repeating: [], count: 256)
    private var begins = [Bool](repeating: false, count: 256)
    private(set) var isEmpty = true

    mutating func add(_ content: [UInt8], _ index: Int) {
        guard let first = content.first, contents.set(index, content) else { return }
        isEmpty = false
        begins[Int(first)] = true
        if !lengths[Int(first)].contains(content.count) { lengths[Int(first)].append(content.count) }
    }

    mutating func finish() {
        contents.finish()
        for i in lengths.indices { lengths[i].sort(by: >) }
    }

    func next(_ text: UnsafePointer<UInt8>, from start: Int, _ count: Int) -> (index: Int, range: Range<Int>)? {
        begins.withUnsafeBufferPointer { begins in
            var i = start
            while i < count {
                if begins[Int(text[i])] {
                    for length in lengths[Int(text[i])] where i + length <= count {
                        let index = contents.id(text + i, length)
                        if index >= 0 { return (Int(index), i..<i + length) }
                    }
                }
                i += 1
            }
            return nil
        }
    }
}
