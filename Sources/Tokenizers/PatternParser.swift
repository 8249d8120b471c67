/// A node of a parsed pattern.
indirect enum PatternNode: Sendable {
    case set(PatternCharacterSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, minimum: Int, maximum: Int?, mode: Mode)
    case look(PatternNode, ahead: Bool, negative: Bool)
    case atomic(PatternNode)
    case textStart
    case textEnd
    case lineStart
    case lineEnd
    case wordBoundary(negative: Bool)

    enum Mode: Sendable { case greedy, lazy, possessive }

    /// Whether the node can match without consuming anything.
    var canBeEmpty: Bool {
        switch self {
        case .set: false
        case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
        case .alternatives(let nodes): nodes.contains(where: \.canBeEmpty)
        case .repeated(let node, let minimum, _, _): minimum == 0 || node.canBeEmpty
        case .atomic(let node): node.canBeEmpty
        default: true
        }
    }
}

/// Reads the regular-expression subset that tokenizer files use; anything else is an error, not a guess.
struct PatternParser {
    private let pattern: String
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var ignoresCase = false
    private var depth = 0

    static func parse(_ pattern: String) throws(TokenizerError) -> PatternNode {
        var parser = PatternParser(pattern)
        let node = try parser.alternatives()
        if parser.position < parser.scalars.count { throw parser.failure("an unmatched )") }
        return node
    }

    private init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    private func failure(_ reason: String) -> TokenizerError {
        .unsupportedPattern(pattern: pattern, position: position, reason: reason)
    }

    private func has(_ text: String) -> Bool {
        scalars[position...].starts(with: text.unicodeScalars)
    }

    private mutating func take(_ text: String) -> Bool {
        guard has(text) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private mutating func next() throws(TokenizerError) -> Unicode.Scalar {
        guard position < scalars.count else { throw failure("the pattern ends too early") }
        position += 1
        return scalars[position - 1]
    }

    private mutating func alternatives() throws(TokenizerError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        if depth > 50 { throw failure("more than 50 nested groups") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(TokenizerError) -> PatternNode {
        var nodes: [PatternNode] = []
        while position < scalars.count, !has("|"), !has(")") {
            let node = try atom()
            nodes.append(try quantified(node))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func quantified(_ node: PatternNode) throws(TokenizerError) -> PatternNode {
        var minimum = 0
        var maximum: Int?
        if take("*") {
        } else if take("+") {
            minimum = 1
        } else if take("?") {
            maximum = 1
        } else if has("{"), let bounds = try counts() {
            (minimum, maximum) = bounds
        } else {
            return node
        }
        if node.canBeEmpty { throw failure("a repetition of something that can be empty") }
        let mode: PatternNode.Mode = take("?") ? .lazy : take("+") ? .possessive : .greedy
        if has("*") || has("+") || has("?") { throw failure("a repetition of a repetition") }
        return .repeated(node, minimum: minimum, maximum: maximum, mode: mode)
    }

    private mutating func counts() throws(TokenizerError) -> (Int, Int?)? {
        guard let close = scalars[position...].firstIndex(of: "}") else { return nil }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[position + 1..<close])
        let parts = String(text).split(separator: ",", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        let minimum = first.isEmpty && parts.count == 2 ? 0 : Int(first)
        let maximum = parts.count == 1 ? minimum : parts[1].isEmpty ? nil : Int(parts[1])
        guard let minimum, parts.count == 1 || parts[1].isEmpty || maximum != nil else { return nil }
        position = close + 1
        if minimum > 1000 || maximum ?? 0 > 1000 || maximum ?? minimum < minimum {
            throw failure("repetition counts must be in order and at most 1000")
        }
        return (minimum, maximum)
    }

    private mutating func atom() throws(TokenizerError) -> PatternNode {
        let scalar = try next()
        switch scalar {
        case "(": return try group()
        case "[": return .set(try bracket())
        case ".": return .set(.inverted(.ranges([0x0A...0x0A])))
        case "^": return .lineStart
        case "$": return .lineEnd
        case "\\":
            if take("b") { return .wordBoundary(negative: false) }
            if take("B") { return .wordBoundary(negative: true) }
            if take("A") { return .textStart }
            if take("z") { return .textEnd }
            return .set(try escape())
        case "*", "+", "?": throw failure("a repetition without something to repeat")
        default: return .set(.single(scalar.value, ignoresCase: ignoresCase))
        }
    }

    private mutating func group() throws(TokenizerError) -> PatternNode {
        let outer = ignoresCase
        defer { ignoresCase = outer }
        let node: PatternNode
        if take("?=") {
            node = .look(try alternatives(), ahead: true, negative: false)
        } else if take("?!") {
            node = .look(try alternatives(), ahead: true, negative: true)
        } else if take("?>") {
            node = .atomic(try alternatives())
        } else if take("?i:") {
            ignoresCase = true
            node = try alternatives()
        } else if take("?:") || !has("?") {
            node = try alternatives()
        } else {
            throw failure("this kind of group; known: (…), (?:…), (?i:…), (?=…), (?!…), (?>…)")
        }
        guard take(")") else { throw failure("a group that is not closed") }
        return node
    }

    private mutating func bracket() throws(TokenizerError) -> PatternCharacterSet {
        let negative = take("^")
        var sets: [PatternCharacterSet] = []
        while true {
            if take("]"), !sets.isEmpty { break }
            if has("&&") { throw failure("an intersection of sets") }
            if take("[:") {
                throw failure("a POSIX class")
            } else if take("[") {
                sets.append(try bracket())
                continue
            }
            let first = try next()
            guard let low = try rangeEnd(first, &sets) else { continue }
            if has("-"), position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                let last = try next()
                var ignored: [PatternCharacterSet] = []
                guard let high = try rangeEnd(last, &ignored), low <= high else {
                    throw failure("a range out of order")
                }
                if ignoresCase { throw failure("a range where case is ignored") }
                sets.append(.ranges([low...high]))
            } else {
                sets.append(.single(low, ignoresCase: ignoresCase))
            }
        }
        let set: PatternCharacterSet = sets.count == 1 ? sets[0] : .union(sets)
        return negative ? .inverted(set) : set
    }

    /// The scalar that a set's item stands for; a class such as `\s` is added to `sets` instead.
    private mutating func rangeEnd(
        _ scalar: Unicode.Scalar, _ sets: inout [PatternCharacterSet]
    ) throws(TokenizerError) -> UInt32? {
        guard scalar == "\\" else { return scalar.value }
        let set = try escape(ignoringCase: false)
        if case .ranges(let ranges) = set, ranges.count == 1, ranges[0].count == 1 { return ranges[0].lowerBound }
        sets.append(set)
        return nil
    }

    private mutating func escape(ignoringCase: Bool? = nil) throws(TokenizerError) -> PatternCharacterSet {
        let scalar = try next()
        switch scalar {
        case "s": return .space
        case "S": return .inverted(.space)
        case "d": return .categories(1 << 8)
        case "D": return .inverted(.categories(1 << 8))
        case "w": return .word
        case "W": return .inverted(.word)
        case "p", "P":
            guard take("{"), let close = scalars[position...].firstIndex(of: "}") else {
                throw failure("\\p without {…}")
            }
            var name = String.UnicodeScalarView()
            name.append(contentsOf: scalars[position..<close])
            guard let set = PatternCharacterSet.property(String(name)) else {
                throw failure("the property \(String(name)); known: general categories such as L, Lu, N, P, S, M")
            }
            position = close + 1
            return scalar == "p" ? set : .inverted(set)
        case "n": return .ranges([0x0A...0x0A])
        case "r": return .ranges([0x0D...0x0D])
        case "t": return .ranges([0x09...0x09])
        case "f": return .ranges([0x0C...0x0C])
        case "v": return .ranges([0x0B...0x0B])
        case "x", "u": return try codePoint()
        default:
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                throw failure("the escape \\\(scalar)")
            }
            return .single(scalar.value, ignoresCase: ignoringCase ?? ignoresCase)
        }
    }

    private mutating func codePoint() throws(TokenizerError) -> PatternCharacterSet {
        let digits: [Unicode.Scalar]
        if take("{") {
            guard let close = scalars[position...].firstIndex(of: "}") else {
                throw failure("an escape that is not closed")
            }
            digits = Array(scalars[position..<close])
            position = close + 1
        } else {
            let count = scalars[position - 1] == "u" ? 4 : 2
            guard position + count <= scalars.count else { throw failure("the pattern ends too early") }
            digits = Array(scalars[position..<position + count])
            position += count
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: digits)
        guard let value = UInt32(String(text), radix: 16), value <= 0x10FFFF else { throw failure("a code point") }
        return .ranges([value...value])
    }
}
