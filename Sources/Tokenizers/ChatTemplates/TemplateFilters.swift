extension TemplateInterpreter {
    private static let filters = [
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "indent", "int", "items", "join",
        "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "safe",
        "select", "selectattr", "sort", "string", "sum", "title", "tojson", "trim", "unique", "upper",
    ]

    /// `value | name(…)`
    mutating func applyFilter(
        _ name: String, _ value: TemplateValue, _ positional: [TemplateValue], _ named: [String: TemplateValue],
        _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        func argument(_ index: Int, _ key: String) -> TemplateValue? {
            index < positional.count ? positional[index] : named[key]
        }
        func failure(_ reason: String) -> TokenizerError {
            .template(line: line, construct: "| \(name)", reason: reason)
        }
        switch name {
        case "default", "d":
            let isMissing = if case .undefined = value { true } else { false }
            let replaces = isMissing || (argument(1, "boolean")?.isTrue == true && !value.isTrue)
            return replaces ? argument(0, "default_value") ?? .string("") : value
        case "tojson":
            guard let text = value.json(indent: argument(0, "indent")?.whole.map { min(max($0, 0), 16) }) else {
                throw failure("\(value.kind) has no JSON form")
            }
            return .string(text)
        case "string", "safe": return .string(value.text)
        case "trim": return .string(TemplateText.strip(value.text, argument(0, "chars")?.text, left: true, right: true))
        case "title": return .string(TemplateText.capitalizingWords(value.text))
        case "upper", "lower", "capitalize", "replace":
            return try callMethod(name, on: .string(value.text), positional, named, line)
        case "length", "count":
            switch value {
            case .string(let text): return .integer(text.unicodeScalars.count)
            case .list(let values): return .integer(values.count)
            case .dictionary(let members): return .integer(members.count)
            case .undefined: return .integer(0)
            default: throw failure("\(value.kind) has no length")
            }
        case "int":
            return .integer(
                value.whole ?? value.numeric.flatMap { Int(exactly: $0.rounded(.towardZero)) } ?? Int(
                    TemplateText.strip(value.text, nil, left: true, right: true)) ?? argument(0, "default")?.whole ?? 0)
        case "float": return .number(value.numeric ?? Double(value.text) ?? argument(0, "default")?.numeric ?? 0)
        case "abs":
            if let whole = value.whole { return .integer(whole == .min ? .max : abs(whole)) }
            guard let number = value.numeric else { throw failure("\(value.kind) is not a number") }
            return .number(abs(number))
        case "items": return try callMethod("items", on: value, [], [:], line)
        case "indent":
            return .string(
                TemplateText.indent(
                    value.text, argument(0, "width")?.whole ?? 4, first: argument(1, "first")?.isTrue ?? false,
                    blank: argument(2, "blank")?.isTrue ?? false))
        case "dictsort":
            guard case .dictionary(let members) = value else { throw failure("\(value.kind) is not a mapping") }
            return .list(
                members.sorted { $0.key.lowercased() < $1.key.lowercased() }.map { .list([.string($0.key), $0.value]) })
        default: break
        }
        guard Self.filters.contains(name) else {
            throw failure("this filter is not supported; known: \(Self.filters.joined(separator: ", "))")
        }
        let selects = ["map", "reject", "rejectattr", "select", "selectattr"].contains(name)
        let values = selects && !value.isTrue ? [] : try elements(of: value, "| \(name)", line)
        return try applyListFilter(name, values, positional, named, line)
    }

    private mutating func applyListFilter(
        _ name: String, _ values: [TemplateValue], _ positional: [TemplateValue], _ named: [String: TemplateValue],
        _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        switch name {
        case "list": return .list(values)
        case "first": return values.first ?? .undefined(name: "the first of no elements")
        case "last": return values.last ?? .undefined(name: "the last of no elements")
        case "reverse": return .list(values.reversed())
        case "join":
            let separator = (positional.first ?? named["d"])?.text ?? ""
            var texts = values
            if let key = positional.dropFirst().first ?? named["attribute"] {
                texts = try mapped(values) { value throws(TokenizerError) in try attribute(key.text, of: value, line) }
            }
            return .string(texts.map(\.text).joined(separator: separator))
        case "unique":
            var seen: [TemplateValue] = []
            for value in values where !seen.contains(where: { $0.equals(value) }) { seen.append(value) }
            return .list(seen)
        case "sum":
            var total = TemplateValue.integer(0)
            for value in values { total = try TemplateArithmetic.compute("+", total, value, line) }
            return total
        case "min", "max", "sort":
            var sorted: [TemplateValue] = []
            for value in values {
                var place = sorted.count
                while place > 0, try TemplateArithmetic.compare("<", value, sorted[place - 1], line) { place -= 1 }
                sorted.insert(value, at: place)
            }
            if name == "sort" { return .list(named["reverse"]?.isTrue == true ? sorted.reversed() : sorted) }
            return (name == "min" ? sorted.first : sorted.last) ?? .undefined(name: "the \(name) of no elements")
        case "map":
            if let key = named["attribute"] {
                return .list(
                    try mapped(values) { value throws(TokenizerError) in
                        let found = try attribute(key.text, of: value, line)
                        if case .undefined = found, let standard = named["default"] { return standard }
                        return found
                    })
            }
            guard let filter = positional.first else {
                throw .template(line: line, construct: "| map", reason: "it takes a filter's name or attribute=")
            }
            var results: [TemplateValue] = []
            for value in values {
                results.append(try applyFilter(filter.text, value, Array(positional.dropFirst()), named, line))
            }
            return .list(results)
        default:
            let usesAttribute = name.hasSuffix("attr")
            let test = positional.dropFirst(usesAttribute ? 1 : 0).first?.text
            let arguments = Array(positional.dropFirst(usesAttribute ? 2 : 1))
            var kept: [TemplateValue] = []
            for value in values {
                let subject = usesAttribute ? try attribute(positional.first?.text ?? "", of: value, line) : value
                let holds =
                    try test.map { test throws(TokenizerError) in try applyTest(test, subject, arguments, line) }
                    ?? subject.isTrue
                if holds == name.hasPrefix("select") { kept.append(value) }
            }
            return .list(kept)
        }
    }

    private func mapped(
        _ values: [TemplateValue], _ body: (TemplateValue) throws(TokenizerError) -> TemplateValue
    ) throws(TokenizerError) -> [TemplateValue] {
        var results: [TemplateValue] = []
        for value in values { results.append(try body(value)) }
        return results
    }

    private static let tests = [
        "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "gt", "in",
        "integer", "iterable", "le", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence",
        "string", "true", "undefined", "upper",
    ]

    /// `value is name(…)`
    func applyTest(
        _ name: String, _ value: TemplateValue, _ arguments: [TemplateValue], _ line: Int
    ) throws(TokenizerError) -> Bool {
        switch (name, value) {
        case ("defined", .undefined), ("undefined", .undefined): return name == "undefined"
        case ("defined", _): return true
        case ("none", .none), ("string", .string), ("mapping", .dictionary), ("boolean", .bool), ("integer", .integer),
            ("float", .number), ("number", .integer), ("number", .number), ("number", .bool), ("true", .bool(true)),
            ("false", .bool(false)), ("callable", .function), ("callable", .macro), ("sequence", .list),
            ("sequence", .string), ("sequence", .dictionary), ("iterable", .list), ("iterable", .string),
            ("iterable", .dictionary), ("iterable", .undefined), ("sequence", .undefined):
            return true
        case ("lower", .string(let text)): return text == text.lowercased() && text != text.uppercased()
        case ("upper", .string(let text)): return text == text.uppercased() && text != text.lowercased()
        default: break
        }
        guard Self.tests.contains(name) else {
            throw .template(
                line: line, construct: "is \(name)",
                reason: "this test is not supported; known: \(Self.tests.joined(separator: ", "))")
        }
        let comparisons = ["ge": ">=", "gt": ">", "le": "<=", "lt": "<"]
        switch name {
        case "eq", "equalto", "sameas": return value.equals(arguments.first ?? .none)
        case "ne": return !value.equals(arguments.first ?? .none)
        case "in": return try contains(arguments.first ?? .none, value, line)
        case "odd", "even": return value.whole.map { ($0 & 1 == 1) == (name == "odd") } ?? false
        case "divisibleby":
            guard let whole = value.whole, let divisor = arguments.first?.whole, divisor != 0 else { return false }
            return whole.remainderReportingOverflow(dividingBy: divisor).partialValue == 0
        default:
            guard let symbol = comparisons[name] else { return false }
            return try TemplateArithmetic.compare(symbol, value, arguments.first ?? .none, line)
        }
    }
}
