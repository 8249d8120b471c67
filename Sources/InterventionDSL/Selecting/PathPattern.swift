/// A pattern over dotted names: of sites by component or module path, and of checkpoint tensors.
///
/// ```
/// block_output.4-7                     a component in layers 4 to 7
/// layers[4-8].attention_output         the same, the layer first
/// layers[*].self_attn.*                everything under a module of every layer
/// model.layers[0,2].mlp.down_proj.weight
/// ```
/// Brackets and dots mean the same, so `layers[3]` is `layers.3`. A part is a name, in which `*` stands for any letters;
/// numbers: `3`, `4-7`, `0,2,4-6`, `4-` (from 4 on), `[*]` (all); or `*` alone, which stands for one part, at the end for
/// all that follow. Leading parts of module paths and tensor names may be left out.
struct PathPattern: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        /// A name, perhaps with `*` in it.
        case name(String)
        /// Ascending ranges of numbers, as they were written.
        case numbers([ClosedRange<Int>], text: String)
        /// `*` alone.
        case any
    }

    /// As it was written, without spaces.
    let text: String
    let parts: [Part]
    /// `h3`, `h0,2` or `h*` at the end: heads of what the rest selects. Nil without such an ending; empty for all heads.
    let heads: [ClosedRange<Int>]?

    static let allowed =
        "names and numbers between dots or brackets, with * and spans: block_output.4-7, layers[4-8].attention_output, "
        + "mlp_*, layers[*].self_attn.*, layers[5].head_output.h0,3"

    /// Reads a pattern; `what` is how an error calls it.
    init(_ given: String, what: String = "selector") throws(InterventionError) {
        text = given.filter { !$0.isWhitespace }
        func failure(_ part: String) -> InterventionError {
            .unreadable(what: what, given: given, part: part, allowed: Self.allowed)
        }
        var parts: [Part] = []
        var heads: [ClosedRange<Int>]?
        let pieces = try Self.pieces(of: text, failure)
        for (place, piece) in pieces.enumerated() {
            if !piece.isBracketed, place > 0, place == pieces.count - 1, let chosen = Self.heads(piece.text) {
                heads = chosen
            } else if piece.text == "*" {
                parts.append(piece.isBracketed ? .numbers([0...Int.max], text: "*") : .any)
            } else if let ranges = Self.ranges(piece.text) {
                parts.append(.numbers(ranges, text: piece.text))
            } else if piece.text == "all", place > 0 {
                parts.append(.numbers([0...Int.max], text: "*"))
            } else if Self.looksLikeNumbers(piece.text) {
                throw failure(piece.text)
            } else {
                parts.append(.name(piece.text))
            }
        }
        self.parts = parts
        self.heads = heads
    }

    /// Whether a text means several things at once, so that it can only be read as a pattern.
    static func isNeeded(for text: String) -> Bool {
        if text.contains("*") || text.hasPrefix("layers[") { return true }
        guard let pieces = try? pieces(of: text, { _ in .neverFires(reason: "") }) else { return false }
        return pieces.contains { $0.isBracketed && $0.text.contains { $0 == "-" || $0 == "," } }
    }

    // MARK: Reading

    private static func pieces(
        of text: String, _ failure: (String) -> InterventionError
    ) throws(InterventionError) -> [(text: String, isBracketed: Bool)] {
        var pieces: [(text: String, isBracketed: Bool)] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first == "[" {
                guard let end = rest.firstIndex(of: "]") else { throw failure(String(rest)) }
                pieces.append((String(rest[rest.index(after: rest.startIndex)..<end]), true))
                rest = rest[rest.index(after: end)...]
            } else {
                let end = rest.firstIndex { $0 == "." || $0 == "[" || $0 == "]" } ?? rest.endIndex
                pieces.append((String(rest[..<end]), false))
                rest = rest[end...]
            }
            if rest.first == "]" || pieces.last?.text.isEmpty != false { throw failure(String(text)) }
            if rest.first == "." {
                rest = rest.dropFirst()
                if rest.isEmpty || rest.first == "[" { throw failure(String(text)) }
            }
        }
        guard !pieces.isEmpty else { throw failure(text) }
        return pieces
    }

    private static func looksLikeNumbers(_ text: String) -> Bool {
        text.allSatisfy { $0.isASCII && $0.isNumber || $0 == "," || $0 == "-" }
    }

    /// `3`, `4-7`, `0,2,4-6`, `4-`.
    private static func ranges(_ text: String) -> [ClosedRange<Int>]? {
        guard looksLikeNumbers(text) else { return nil }
        var ranges: [ClosedRange<Int>] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = Int(ends[0]), first < 100_000 else { return nil }
            guard ends.count == 2 else {
                ranges.append(first...first)
                continue
            }
            guard !ends[1].isEmpty else {
                ranges.append(first...Int.max)
                continue
            }
            guard let last = Int(ends[1]), last >= first, last < 100_000 else { return nil }
            ranges.append(first...last)
        }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }
    }

    private static func heads(_ text: String) -> [ClosedRange<Int>]? {
        guard text.hasPrefix("h"), text.count > 1 else { return nil }
        let rest = String(text.dropFirst())
        return rest == "*" ? [] : ranges(rest)
    }
}

// MARK: - Matching

extension PathPattern {
    /// The numbers that the pattern's parts of numbers met in a name, one for each, or nil if the name does not match.
    ///
    /// - Parameter isWhole: whether the pattern must begin with the name's first part.
    func match(_ name: [String], isWhole: Bool) -> [Int]? {
        let endsOpen = parts.last == .any
        guard name.count >= parts.count else { return nil }
        let lastStart = isWhole ? 0 : name.count - parts.count
        for start in 0...lastStart {
            if !endsOpen, name.count - start != parts.count { continue }
            if let numbers = match(name[start...]) { return numbers }
        }
        return nil
    }

    /// Whether the pattern may match names of these parts, nil where they have numbers.
    func mayMatch(_ name: [String?], isWhole: Bool) -> Bool {
        let endsOpen = parts.last == .any
        guard name.count >= parts.count else { return false }
        let last = name.count - parts.count
        // Without an open end a pattern reaches to the last part.
        let starts = endsOpen ? 0...(isWhole ? 0 : last) : last...last
        guard endsOpen || !isWhole || last == 0 else { return false }
        return starts.contains { start in
            // Endings differ most.
            for place in parts.indices.reversed() {
                switch (parts[place], name[start + place]) {
                case (.any, _), (.name, nil), (.numbers, nil): continue
                case (.name(let glob), let text?): if !Self.fits(glob, text) { return false }
                case (.numbers, .some): return false
                }
            }
            return true
        }
    }

    private func match(_ name: ArraySlice<String>) -> [Int]? {
        var numbers: [Int] = []
        for (part, text) in zip(parts, name) {
            switch part {
            case .any: continue
            case .name(let glob): if !Self.fits(glob, text) { return nil }
            case .numbers(let ranges, _):
                guard let number = Int(text), ranges.contains(where: { $0.contains(number) }) else { return nil }
                numbers.append(number)
            }
        }
        return numbers
    }

    /// Whether a text fits a glob; `*` stands for any letters, none included.
    private static func fits(_ glob: String, _ text: String) -> Bool {
        guard glob.utf8.contains(UInt8(ascii: "*")) else { return glob.utf8.elementsEqual(text.utf8) }
        let star = UInt8(ascii: "*")
        let (glob, text) = (Array(glob.utf8), Array(text.utf8))
        var (place, at, retry, mark) = (0, 0, -1, 0)
        while at < text.count {
            if place < glob.count, glob[place] == star {
                (retry, mark) = (place, at)
                place += 1
            } else if place < glob.count, glob[place] == text[at] {
                place += 1
                at += 1
            } else if retry >= 0 {
                place = retry + 1
                mark += 1
                at = mark
            } else {
                return false
            }
        }
        return glob[place...].allSatisfy { $0 == star }
    }
}
