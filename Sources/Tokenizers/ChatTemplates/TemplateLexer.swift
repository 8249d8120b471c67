/// A token inside `{{ }}` or `{% %}`.
struct TemplateToken: Equatable {
    enum Kind: Equatable {
        case name, string, integer, number, symbol
    }

    var kind: Kind
    var text: String
    var line: Int
}

/// Text, or the tokens of one tag.
enum TemplateSegment {
    case text(String, line: Int)
    case output([TemplateToken], line: Int)
    case block([TemplateToken], line: Int)
}

/// Cuts a template into text and tags, with the white-space rules of `trim_blocks` and `lstrip_blocks`, which is how
/// `transformers` renders chat templates.
struct TemplateLexer {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1

    static func segments(of source: String) throws(TokenizerError) -> [TemplateSegment] {
        var lexer = TemplateLexer(source)
        return try lexer.segments()
    }

    private init(_ text: String) {
        var source = Array(text.replacing("\r\n", with: "\n").replacing("\r", with: "\n").unicodeScalars)
        // One line end at the end of a template is dropped.
        if source.last == "\n" { source.removeLast() }
        self.source = source
    }

    private func has(_ text: StaticString, at place: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place + count <= source.count else { return false }
        return (0..<count).allSatisfy { source[place + $0].value == UInt32(text.utf8Start[$0]) }
    }

    private func failure(_ construct: String, _ reason: String) -> TokenizerError {
        .template(line: line, construct: construct, reason: reason)
    }

    private mutating func advance(to end: Int) {
        line += source[position..<end].count { $0 == "\n" }
        position = end
    }

    private mutating func segments() throws(TokenizerError) -> [TemplateSegment] {
        var result: [TemplateSegment] = []
        var atLineStart = true
        while position < source.count {
            let start = position
            let startLine = line
            var open = start
            while open < source.count, !has("{{", at: open), !has("{%", at: open), !has("{#", at: open) { open += 1 }
            var text = source[start..<open]
            advance(to: open)
            if open == source.count {
                result.append(.text(string(text), line: startLine))
                break
            }
            let isOutput = has("{{", at: open)
            let isComment = has("{#", at: open)
            advance(to: open + 2)
            if has("-", at: position) {
                advance(to: position + 1)
                while let last = text.last, last.properties.isWhitespace { text.removeLast() }
            } else if has("+", at: position), !isOutput {
                advance(to: position + 1)
            } else if !isOutput {
                let lineStart = text.lastIndex(of: "\n").map { $0 + 1 }
                if let from = lineStart ?? (atLineStart ? text.startIndex : nil),
                    text[from...].allSatisfy(\.properties.isWhitespace)
                {
                    text = text[..<from]
                }
            }
            if !text.isEmpty { result.append(.text(string(text), line: startLine)) }
            if isComment {
                try skipComment()
            } else {
                let tagLine = line
                let tokens = try tokens(until: isOutput ? "}}" : "%}")
                if !isOutput, tokens.count == 1, tokens[0].text == "raw" {
                    result.append(.text(try rawText(), line: tagLine))
                } else {
                    result.append(isOutput ? .output(tokens, line: tagLine) : .block(tokens, line: tagLine))
                }
            }
            atLineStart = position > 0 && source[position - 1] == "\n"
        }
        return result
    }

    private func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Steps over a closing delimiter and the white space that goes with it.
    private mutating func close(_ end: StaticString, trimsLine: Bool) -> Bool {
        if has("-", at: position), has(end, at: position + 1) {
            advance(to: position + 3)
            while position < source.count, source[position].properties.isWhitespace { advance(to: position + 1) }
            return true
        }
        if trimsLine, has("+", at: position), has(end, at: position + 1) {
            advance(to: position + 3)
            return true
        }
        guard has(end, at: position) else { return false }
        advance(to: position + 2)
        if trimsLine, has("\n", at: position) { advance(to: position + 1) }
        return true
    }

    private mutating func skipComment() throws(TokenizerError) {
        while position < source.count {
            if close("#}", trimsLine: true) { return }
            advance(to: position + 1)
        }
        throw failure("a comment", "it is not closed with #}")
    }

    /// The text up to `{% endraw %}`.
    private mutating func rawText() throws(TokenizerError) -> String {
        let start = position
        while position < source.count {
            if has("{%", at: position) {
                let end = position
                advance(to: position + 2)
                while has("-", at: position) || has(" ", at: position) { advance(to: position + 1) }
                if has("endraw", at: position) {
                    advance(to: position + 6)
                    while has(" ", at: position) { advance(to: position + 1) }
                    if close("%}", trimsLine: true) { return string(source[start..<end]) }
                }
            } else {
                advance(to: position + 1)
            }
        }
        throw failure("raw", "it is not closed with {% endraw %}")
    }

    private mutating func tokens(until end: StaticString) throws(TokenizerError) -> [TemplateToken] {
        var tokens: [TemplateToken] = []
        var depth = 0
        let isBlock = end.utf8Start[0] == UInt8(ascii: "%")
        while position < source.count {
            let scalar = source[position]
            if depth == 0, close(end, trimsLine: isBlock) { return tokens }
            if scalar.properties.isWhitespace {
                advance(to: position + 1)
            } else if scalar == "'" || scalar == "\"" {
                tokens.append(try quoted(scalar))
            } else if scalar.properties.isXIDStart || scalar == "_" {
                let start = position
                while position < source.count, source[position].properties.isXIDContinue { advance(to: position + 1) }
                tokens.append(.init(kind: .name, text: string(source[start..<position]), line: line))
            } else if ("0"..."9").contains(scalar) {
                tokens.append(number())
            } else {
                let token = try symbol()
                if ["(", "[", "{"].contains(token.text) { depth += 1 }
                if [")", "]", "}"].contains(token.text) { depth = max(0, depth - 1) }
                tokens.append(token)
            }
        }
        throw failure("a tag", "it is not closed with \(end)")
    }

    private mutating func symbol() throws(TokenizerError) -> TemplateToken {
        for two: StaticString in ["==", "!=", "<=", ">=", "//", "**"] where has(two, at: position) {
            advance(to: position + 2)
            return .init(kind: .symbol, text: "\(two)", line: line)
        }
        guard "+-*/%~<>=.:|,()[]{}".unicodeScalars.contains(source[position]) else {
            throw failure("a tag", "unexpected character \(source[position])")
        }
        advance(to: position + 1)
        return .init(kind: .symbol, text: String(source[position - 1]), line: line)
    }

    private mutating func number() -> TemplateToken {
        let start = position
        var isWhole = true
        while position < source.count, ("0"..."9").contains(source[position]) || source[position] == "_" {
            advance(to: position + 1)
        }
        if position + 1 < source.count, source[position] == ".", ("0"..."9").contains(source[position + 1]) {
            isWhole = false
            advance(to: position + 1)
            while position < source.count, ("0"..."9").contains(source[position]) { advance(to: position + 1) }
        }
        return .init(kind: isWhole ? .integer : .number, text: string(source[start..<position]), line: line)
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(TokenizerError) -> TemplateToken {
        let startLine = line
        var text = String.UnicodeScalarView()
        advance(to: position + 1)
        while position < source.count, source[position] != quote {
            if source[position] == "\\", position + 1 < source.count {
                advance(to: position + 1)
                switch source[position] {
                case "n": text.append("\n")
                case "t": text.append("\t")
                case "r": text.append("\r")
                case "u":
                    let digits = string(source[min(position + 1, source.count)..<min(position + 5, source.count)])
                    guard digits.count == 4, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
                    else { throw failure("a string", "\\u needs four hexadecimal digits") }
                    text.append(scalar)
                    advance(to: position + 4)
                case "\\", "'", "\"": text.append(source[position])
                default:
                    // As in Python, an unknown escape stands for itself.
                    text.append("\\")
                    text.append(source[position])
                }
            } else {
                text.append(source[position])
            }
            advance(to: position + 1)
        }
        guard position < source.count else { throw failure("a string", "it is not closed") }
        advance(to: position + 1)
        return .init(kind: .string, text: String(text), line: startLine)
    }
}
