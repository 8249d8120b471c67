/// Builds the expression in a tag, with Jinja's precedence: conditional, or, and, not, comparison, + −, ~, * / // %, unary,
/// then attributes, items, calls, filters and tests.
struct TemplateExpressionParser {
    private let tokens: [TemplateToken]
    private var next = 0
    private let line: Int
    private var depth = 0
    /// Named in errors.
    var construct: String

    init(_ tokens: [TemplateToken], line: Int, construct: String) {
        self.tokens = tokens
        self.line = line
        self.construct = construct
    }

    private var here: Int { next < tokens.count ? tokens[next].line : tokens.last?.line ?? line }

    func failure(_ reason: String) -> TokenizerError {
        let found = next < tokens.count ? ", found \(tokens[next].text)" : ", found the end of the tag"
        return .template(line: here, construct: construct, reason: reason + found)
    }

    func isNext(_ symbol: String) -> Bool {
        next < tokens.count && tokens[next].kind == .symbol && tokens[next].text == symbol
    }

    private func isNextName(_ name: String, ahead: Int = 0) -> Bool {
        next + ahead < tokens.count && tokens[next + ahead].kind == .name && tokens[next + ahead].text == name
    }

    mutating func take(_ symbol: String) -> Bool {
        guard isNext(symbol) else { return false }
        next += 1
        return true
    }

    mutating func takeName(_ name: String) -> Bool {
        guard isNextName(name) else { return false }
        next += 1
        return true
    }

    mutating func name() throws(TokenizerError) -> String {
        guard next < tokens.count, tokens[next].kind == .name else { throw failure("expected a name") }
        next += 1
        return tokens[next - 1].text
    }

    func end() throws(TokenizerError) {
        if next < tokens.count { throw failure("expected the end of the tag") }
    }

    private mutating func expect(_ symbol: String) throws(TokenizerError) {
        if !take(symbol) { throw failure("expected \(symbol)") }
    }

    /// An expression, or several with commas between them as a list.
    mutating func tuple() throws(TokenizerError) -> TemplateExpression {
        let first = try expression()
        guard isNext(",") else { return first }
        var elements = [first]
        while take(","), next < tokens.count { elements.append(try expression()) }
        return .init(line: first.line, kind: .list(elements))
    }

    mutating func expression(allowsConditional: Bool = true) throws(TokenizerError) -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > 100 { throw failure("more than 100 nested expressions") }
        var value = try or()
        while allowsConditional, isNextName("if") {
            next += 1
            let condition = try or()
            let otherwise = takeName("else") ? try expression() : nil
            value = .init(line: value.line, kind: .conditional(value, condition: condition, otherwise: otherwise))
        }
        return value
    }

    private mutating func or() throws(TokenizerError) -> TemplateExpression {
        var left = try and()
        while takeName("or") { left = .init(line: left.line, kind: .binary("or", left, try and())) }
        return left
    }

    private mutating func and() throws(TokenizerError) -> TemplateExpression {
        var left = try not()
        while takeName("and") { left = .init(line: left.line, kind: .binary("and", left, try not())) }
        return left
    }

    private mutating func not() throws(TokenizerError) -> TemplateExpression {
        let line = here
        if !isNextName("not") { return try comparison() }
        var count = 0
        while takeName("not") { count += 1 }
        var value = try comparison()
        for _ in 0..<count { value = .init(line: line, kind: .unary("not", value)) }
        return value
    }

    private mutating func comparison() throws(TokenizerError) -> TemplateExpression {
        var left = try sum()
        var chain: TemplateExpression?
        while true {
            var symbol: String?
            for candidate in ["==", "!=", "<=", ">=", "<", ">"] where take(candidate) {
                symbol = candidate
                break
            }
            if symbol == nil, takeName("in") { symbol = "in" }
            if symbol == nil, isNextName("not"), isNextName("in", ahead: 1) {
                next += 2
                symbol = "not in"
            }
            guard let symbol else { return chain ?? left }
            let right = try sum()
            let test = TemplateExpression(line: left.line, kind: .binary(symbol, left, right))
            chain = chain.map { .init(line: left.line, kind: .binary("and", $0, test)) } ?? test
            left = right
        }
    }

    private mutating func sum() throws(TokenizerError) -> TemplateExpression {
        var left = try concatenation()
        while let symbol = ["+", "-"].first(where: isNext) {
            next += 1
            left = .init(line: left.line, kind: .binary(symbol, left, try concatenation()))
        }
        return left
    }

    private mutating func concatenation() throws(TokenizerError) -> TemplateExpression {
        var left = try product()
        while take("~") { left = .init(line: left.line, kind: .binary("~", left, try product())) }
        return left
    }

    private mutating func product() throws(TokenizerError) -> TemplateExpression {
        var left = try unary()
        while let symbol = ["*", "/", "//", "%"].first(where: isNext) {
            next += 1
            left = .init(line: left.line, kind: .binary(symbol, left, try unary()))
        }
        return left
    }

    private mutating func unary() throws(TokenizerError) -> TemplateExpression {
        let line = here
        var negations = 0
        while isNext("-") || isNext("+") {
            if isNext("-") { negations += 1 }
            next += 1
        }
        var value = try filtered(try postfix(try primary()))
        for _ in 0..<negations { value = .init(line: line, kind: .unary("-", value)) }
        return value
    }

    private mutating func primary() throws(TokenizerError) -> TemplateExpression {
        guard next < tokens.count else { throw failure("expected a value") }
        let token = tokens[next]
        next += 1
        func constant(_ value: TemplateValue) -> TemplateExpression { .init(line: token.line, kind: .constant(value)) }
        switch token.kind {
        case .string:
            var text = token.text
            while next < tokens.count, tokens[next].kind == .string {
                text += tokens[next].text
                next += 1
            }
            return constant(.string(text))
        case .integer:
            guard let value = Int(token.text.filter { $0 != "_" }) else { throw failure("a number that is too large") }
            return constant(.integer(value))
        case .number: return constant(.number(Double(token.text) ?? 0))
        case .name:
            switch token.text {
            case "true", "True": return constant(.bool(true))
            case "false", "False": return constant(.bool(false))
            case "none", "None": return constant(.none)
            default: return .init(line: token.line, kind: .name(token.text))
            }
        case .symbol:
            switch token.text {
            case "(":
                if take(")") { return .init(line: token.line, kind: .list([])) }
                var elements = [try expression()]
                var isTuple = false
                while take(",") {
                    isTuple = true
                    if isNext(")") { break }
                    elements.append(try expression())
                }
                try expect(")")
                return isTuple ? .init(line: token.line, kind: .list(elements)) : elements[0]
            case "[":
                return .init(line: token.line, kind: .list(try expressions(until: "]")))
            case "{":
                var members: [(TemplateExpression, TemplateExpression)] = []
                while !take("}") {
                    let key = try expression()
                    try expect(":")
                    members.append((key, try expression()))
                    if !take(","), !isNext("}") { throw failure("expected , or }") }
                }
                return .init(line: token.line, kind: .dictionary(members))
            default:
                next -= 1
                throw failure("expected a value")
            }
        }
    }

    private mutating func expressions(until close: String) throws(TokenizerError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !take(close) {
            elements.append(try expression())
            if !take(","), !isNext(close) { throw failure("expected , or \(close)") }
        }
        return elements
    }

    private mutating func postfix(_ start: TemplateExpression) throws(TokenizerError) -> TemplateExpression {
        var value = start
        while true {
            let line = here
            if take(".") {
                guard next < tokens.count, tokens[next].kind != .symbol else {
                    throw failure("expected a name after .")
                }
                let token = tokens[next]
                next += 1
                if token.kind == .integer, let index = Int(token.text) {
                    let item = TemplateExpression(line: line, kind: .constant(.integer(index)))
                    value = .init(line: line, kind: .item(value, item))
                } else {
                    value = .init(line: line, kind: .attribute(value, token.text))
                }
            } else if take("[") {
                value = try subscripted(value, line)
            } else if isNext("(") {
                value = .init(line: line, kind: .call(value, try arguments()))
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(_ value: TemplateExpression, _ line: Int) throws(TokenizerError)
        -> TemplateExpression
    {
        var parts: [TemplateExpression?] = [nil]
        while !take("]") {
            if take(":") {
                parts.append(nil)
            } else {
                parts[parts.count - 1] = try expression()
                if !isNext(":"), !isNext("]") { throw failure("expected : or ]") }
            }
        }
        if parts.count == 1, let index = parts[0] { return .init(line: line, kind: .item(value, index)) }
        guard (2...3).contains(parts.count) else { throw failure("expected an index or a slice") }
        return .init(line: line, kind: .slice(value, parts[0], parts[1], parts.count == 3 ? parts[2] : nil))
    }

    private mutating func arguments() throws(TokenizerError) -> TemplateArguments {
        var result = TemplateArguments()
        try expect("(")
        while !take(")") {
            if next + 1 < tokens.count, tokens[next].kind == .name, tokens[next + 1].kind == .symbol,
                tokens[next + 1].text == "="
            {
                let name = tokens[next].text
                next += 2
                result.named.append((name, try expression()))
            } else {
                result.positional.append(try expression())
            }
            if !take(","), !isNext(")") { throw failure("expected , or )") }
        }
        return result
    }

    private mutating func filtered(_ start: TemplateExpression) throws(TokenizerError) -> TemplateExpression {
        var value = start
        while true {
            let line = here
            if take("|") {
                let name = try name()
                value = .init(line: line, kind: .filter(value, name, isNext("(") ? try arguments() : .init()))
            } else if takeName("is") {
                let negated = takeName("not")
                let name = try name()
                value = .init(line: line, kind: .test(value, name, try testArguments(), negated: negated))
            } else if isNext(".") || isNext("[") || isNext("(") {
                value = try postfix(value)
            } else {
                return value
            }
        }
    }

    /// Arguments of a test: in parentheses, or one plain value.
    private mutating func testArguments() throws(TokenizerError) -> TemplateArguments {
        if isNext("(") { return try arguments() }
        guard next < tokens.count else { return .init() }
        let token = tokens[next]
        let words = ["and", "or", "not", "else", "if", "is", "in"]
        let begins = token.kind == .symbol ? ["[", "{"].contains(token.text) : !words.contains(token.text)
        return begins ? TemplateArguments(positional: [try postfix(try primary())]) : .init()
    }
}
