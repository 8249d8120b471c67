/// Builds the statements of a template.
struct TemplateParser {
    private let segments: [TemplateSegment]
    private var next = 0
    private var depth = 0

    static func parse(_ source: String) throws(TokenizerError) -> [TemplateStatement] {
        var parser = TemplateParser(segments: try TemplateLexer.segments(of: source))
        return try parser.statements(until: [], of: "the template", line: 1).body
    }

    private init(segments: [TemplateSegment]) {
        self.segments = segments
    }

    /// Statements up to one of the closing words, whose tag is returned as well.
    private mutating func statements(
        until ends: [String], of construct: String, line: Int
    ) throws(TokenizerError) -> (body: [TemplateStatement], end: TemplateExpressionParser) {
        depth += 1
        defer { depth -= 1 }
        if depth > 100 { throw .template(line: line, construct: construct, reason: "more than 100 nested blocks") }
        var body: [TemplateStatement] = []
        while next < segments.count {
            let segment = segments[next]
            next += 1
            switch segment {
            case .text(let text, let line): body.append(.init(line: line, kind: .text(text)))
            case .output(let tokens, let line):
                var parser = TemplateExpressionParser(tokens, line: line, construct: "{{ }}")
                let expression = try parser.expression()
                try parser.end()
                body.append(.init(line: line, kind: .output(expression)))
            case .block(let tokens, let line):
                var parser = TemplateExpressionParser(tokens, line: line, construct: "{% %}")
                let word = try parser.name()
                parser.construct = word
                if ends.contains(word) { return (body, parser) }
                body.append(.init(line: line, kind: try statement(word, &parser, line)))
            }
        }
        if let expected = ends.last {
            throw .template(line: line, construct: construct, reason: "it is not closed with {% \(expected) %}")
        }
        return (body, TemplateExpressionParser([], line: line, construct: construct))
    }

    private static let known = ["if", "for", "set", "macro", "generation", "break", "continue", "raw"]

    private mutating func statement(
        _ word: String, _ parser: inout TemplateExpressionParser, _ line: Int
    ) throws(TokenizerError) -> TemplateStatement.Kind {
        switch word {
        case "if": return try condition(&parser, line)
        case "for": return try loop(&parser, line)
        case "set": return try set(&parser, line)
        case "macro": return try macro(&parser, line)
        case "generation":
            try parser.end()
            return .block(try statements(until: ["endgeneration"], of: word, line: line).body)
        case "break":
            try parser.end()
            return .breakLoop
        case "continue":
            try parser.end()
            return .continueLoop
        default:
            throw .template(
                line: line, construct: "{% \(word) %}",
                reason: "this tag is not supported here; known: \(Self.known.joined(separator: ", "))")
        }
    }

    private mutating func condition(
        _ parser: inout TemplateExpressionParser, _ line: Int
    ) throws(TokenizerError) -> TemplateStatement.Kind {
        var branches: [(TemplateExpression, [TemplateStatement])] = []
        var test = try parser.expression()
        try parser.end()
        while true {
            let (body, closing) = try statements(until: ["elif", "else", "endif"], of: "if", line: line)
            var end = closing
            branches.append((test, body))
            switch end.construct {
            case "elif":
                test = try end.expression()
                try end.end()
            case "else":
                try end.end()
                let otherwise = try statements(until: ["endif"], of: "if", line: line).body
                return .condition(branches, otherwise: otherwise)
            default: return .condition(branches, otherwise: [])
            }
        }
    }

    private mutating func loop(
        _ parser: inout TemplateExpressionParser, _ line: Int
    ) throws(TokenizerError) -> TemplateStatement.Kind {
        var targets = [try parser.name()]
        while parser.take(",") { targets.append(try parser.name()) }
        guard parser.takeName("in") else { throw parser.failure("expected in") }
        let sequence = try parser.expression(allowsConditional: false)
        let filter = parser.takeName("if") ? try parser.expression() : nil
        try parser.end()
        let (body, end) = try statements(until: ["else", "endfor"], of: "for", line: line)
        var otherwise: [TemplateStatement] = []
        if end.construct == "else" {
            try end.end()
            otherwise = try statements(until: ["endfor"], of: "for", line: line).body
        }
        return .loop(targets: targets, over: sequence, filter: filter, body: body, otherwise: otherwise)
    }

    private mutating func set(
        _ parser: inout TemplateExpressionParser, _ line: Int
    ) throws(TokenizerError) -> TemplateStatement.Kind {
        let name = try parser.name()
        if parser.take(".") {
            let attribute = try parser.name()
            guard parser.take("=") else { throw parser.failure("expected =") }
            let value = try parser.tuple()
            try parser.end()
            return .setAttribute(object: name, attribute: attribute, value)
        }
        var targets = [name]
        while parser.take(",") { targets.append(try parser.name()) }
        if parser.take("=") {
            let value = try parser.tuple()
            try parser.end()
            return .set(targets: targets, value)
        }
        try parser.end()
        return .setBlock(target: name, try statements(until: ["endset"], of: "set", line: line).body)
    }

    private mutating func macro(
        _ parser: inout TemplateExpressionParser, _ line: Int
    ) throws(TokenizerError) -> TemplateStatement.Kind {
        var macro = TemplateMacro(name: try parser.name(), parameters: [], body: [])
        guard parser.take("(") else { throw parser.failure("expected (") }
        while !parser.take(")") {
            let name = try parser.name()
            let standard = parser.take("=") ? try parser.expression() : nil
            macro.parameters.append((name, standard))
            if !parser.take(","), !parser.isNext(")") { throw parser.failure("expected , or )") }
        }
        try parser.end()
        macro.body = try statements(until: ["endmacro"], of: "macro", line: line).body
        return .macro(macro)
    }
}
