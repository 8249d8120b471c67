import Foundation

/// Renders the statements of a template.
struct TemplateInterpreter {
    /// Variables, innermost scope last. Loops and macros open scopes, conditions do not.
    private var scopes: [[String: TemplateValue]]
    private var namespaces: [[(key: String, value: TemplateValue)]] = []
    private var output = ""
    private var callDepth = 0
    let date: Date
    /// A template that writes more than this is taken for damage.
    private static let longestOutput = 64 << 20
    private static let longestRange = 100_000

    private enum Flow { case normal, leavesLoop, continuesLoop }

    init(_ variables: [String: TemplateValue], date: Date) {
        scopes = [variables]
        self.date = date
    }

    static func render(
        _ body: [TemplateStatement], _ variables: [String: TemplateValue], date: Date
    ) throws(TokenizerError) -> String {
        var interpreter = TemplateInterpreter(variables, date: date)
        _ = try interpreter.run(body)
        return interpreter.output
    }

    private mutating func run(_ body: [TemplateStatement]) throws(TokenizerError) -> Flow {
        for statement in body {
            let flow = try run(statement)
            if flow != .normal { return flow }
        }
        return .normal
    }

    private mutating func run(_ statement: TemplateStatement) throws(TokenizerError) -> Flow {
        switch statement.kind {
        case .text(let text): output += text
        case .output(let expression):
            output += try evaluate(expression).text
            if output.utf8.count > Self.longestOutput {
                throw .template(line: statement.line, construct: "{{ }}", reason: "the output is longer than 64 MiB")
            }
        case .condition(let branches, let otherwise):
            for (test, body) in branches where try evaluate(test).isTrue { return try run(body) }
            return try run(otherwise)
        case .loop(let targets, let sequence, let filter, let body, let otherwise):
            return try loop(statement.line, targets, sequence, filter, body, otherwise)
        case .set(let targets, let expression):
            try assign(targets, try evaluate(expression), "set", statement.line)
        case .setAttribute(let object, let attribute, let expression):
            guard case .namespace(let index) = lookUp(object) else {
                throw .template(
                    line: statement.line, construct: "set \(object).\(attribute)",
                    reason: "\(object) is \(lookUp(object).kind); only a namespace's attributes can be set")
            }
            let value = try evaluate(expression)
            namespaces[index].removeAll { $0.key == attribute }
            namespaces[index].append((attribute, value))
        case .setBlock(let target, let body):
            let text = try captured { interpreter throws(TokenizerError) in _ = try interpreter.run(body) }
            scopes[scopes.count - 1][target] = .string(text)
        case .macro(let macro): scopes[scopes.count - 1][macro.name] = .macro(macro)
        case .block(let body): return try run(body)
        case .breakLoop: return .leavesLoop
        case .continueLoop: return .continuesLoop
        }
        return .normal
    }

    private mutating func captured(
        _ body: (inout TemplateInterpreter) throws(TokenizerError) -> Void
    ) throws(TokenizerError) -> String {
        let outer = output
        output = ""
        try body(&self)
        let text = output
        output = outer
        return text
    }

    private mutating func assign(
        _ targets: [String], _ value: TemplateValue, _ construct: String, _ line: Int
    ) throws(TokenizerError) {
        if targets.count == 1 {
            scopes[scopes.count - 1][targets[0]] = value
            return
        }
        guard case .list(let parts) = value, parts.count == targets.count else {
            throw .template(
                line: line, construct: construct,
                reason: "\(value.kind) cannot be unpacked into \(targets.joined(separator: ", "))")
        }
        for (target, part) in zip(targets, parts) { scopes[scopes.count - 1][target] = part }
    }

    private mutating func loop(
        _ line: Int, _ targets: [String], _ sequence: TemplateExpression, _ filter: TemplateExpression?,
        _ body: [TemplateStatement], _ otherwise: [TemplateStatement]
    ) throws(TokenizerError) -> Flow {
        var items = try elements(of: try evaluate(sequence), "for", line)
        scopes.append([:])
        defer { scopes.removeLast() }
        if let filter {
            var kept: [TemplateValue] = []
            for item in items {
                try assign(targets, item, "for", line)
                if try evaluate(filter).isTrue { kept.append(item) }
            }
            items = kept
        }
        if items.isEmpty { return try run(otherwise) }
        for (index, item) in items.enumerated() {
            scopes[scopes.count - 1] = [:]
            try assign(targets, item, "for", line)
            scopes[scopes.count - 1]["loop"] = .dictionary([
                ("index", .integer(index + 1)), ("index0", .integer(index)), ("first", .bool(index == 0)),
                ("last", .bool(index == items.count - 1)), ("length", .integer(items.count)),
                ("revindex", .integer(items.count - index)), ("revindex0", .integer(items.count - index - 1)),
                ("previtem", index > 0 ? items[index - 1] : .undefined(name: "loop.previtem")),
                ("nextitem", index + 1 < items.count ? items[index + 1] : .undefined(name: "loop.nextitem")),
            ])
            if try run(body) == .leavesLoop { break }
        }
        return .normal
    }

    func elements(of value: TemplateValue, _ construct: String, _ line: Int) throws(TokenizerError) -> [TemplateValue] {
        switch value {
        case .list(let values): return values
        case .dictionary(let members): return members.map { .string($0.key) }
        case .string(let text): return text.unicodeScalars.map { .string(String($0)) }
        case .undefined: return []
        default: throw .template(line: line, construct: construct, reason: "\(value.kind) cannot be iterated over")
        }
    }

    private func lookUp(_ name: String) -> TemplateValue {
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return ["range", "namespace", "dict", "raise_exception", "strftime_now"].contains(name)
            ? .function(name) : .undefined(name: name)
    }

    mutating func evaluate(_ expression: TemplateExpression) throws(TokenizerError) -> TemplateValue {
        let line = expression.line
        switch expression.kind {
        case .constant(let value): return value
        case .name(let name): return lookUp(name)
        case .list(let elements): return .list(try evaluate(elements))
        case .dictionary(let members):
            var result: [(key: String, value: TemplateValue)] = []
            for (key, value) in members { result.append((try evaluate(key).text, try evaluate(value))) }
            return .dictionary(result)
        case .attribute(let object, let name): return try attribute(name, of: try evaluate(object), line)
        case .item(let object, let index): return try item(try evaluate(index), of: try evaluate(object), line)
        case .slice(let object, let start, let end, let step):
            return try slice(
                try evaluate(object), try start.map { e throws(TokenizerError) in try evaluate(e) },
                try end.map { e throws(TokenizerError) in try evaluate(e) },
                try step.map { e throws(TokenizerError) in try evaluate(e) }, line)
        case .call(let function, let arguments): return try call(function, arguments, line)
        case .filter(let value, let name, let arguments):
            let input = try evaluate(value)
            let (positional, named) = try evaluate(arguments)
            return try applyFilter(name, input, positional, named, line)
        case .test(let value, let name, let arguments, let negated):
            let input = try evaluate(value)
            return .bool(try applyTest(name, input, try evaluate(arguments).0, line) != negated)
        case .unary(let symbol, let operand):
            let value = try evaluate(operand)
            if symbol == "not" { return .bool(!value.isTrue) }
            if let whole = value.whole { return .integer(0 &- whole) }
            guard let number = value.numeric else {
                throw .template(line: line, construct: "-", reason: "\(value.kind) cannot be negated")
            }
            return .number(-number)
        case .binary(let symbol, let left, let right): return try binary(symbol, left, right, line)
        case .conditional(let value, let condition, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(value) }
            return try otherwise.map { e throws(TokenizerError) in try evaluate(e) }
                ?? .undefined(name: "a condition without else")
        }
    }

    private mutating func evaluate(_ expressions: [TemplateExpression]) throws(TokenizerError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private mutating func evaluate(
        _ arguments: TemplateArguments
    ) throws(TokenizerError) -> ([TemplateValue], [String: TemplateValue]) {
        var named: [String: TemplateValue] = [:]
        for (name, value) in arguments.named { named[name] = try evaluate(value) }
        return (try evaluate(arguments.positional), named)
    }

    /// `object.name`: a mapping's member or a namespace's attribute; undefined where there is none.
    func attribute(_ name: String, of object: TemplateValue, _ line: Int) throws(TokenizerError) -> TemplateValue {
        switch object {
        case .dictionary(let members): return members.last { $0.key == name }?.value ?? .undefined(name: name)
        case .namespace(let index): return namespaces[index].last { $0.key == name }?.value ?? .undefined(name: name)
        case .undefined(let missing):
            throw .template(line: line, construct: ".\(name)", reason: "\(missing) is undefined")
        default: return .undefined(name: name)
        }
    }

    private func item(_ index: TemplateValue, of object: TemplateValue, _ line: Int) throws(TokenizerError)
        -> TemplateValue
    {
        switch (object, index) {
        case (.list(let values), _):
            guard let number = index.whole else { return .undefined(name: "[\(index.representation)]") }
            let place = number < 0 ? values.count + number : number
            return values.indices.contains(place) ? values[place] : .undefined(name: "[\(number)]")
        case (.string(let text), .integer(let number)):
            let scalars = Array(text.unicodeScalars)
            let place = number < 0 ? scalars.count + number : number
            return scalars.indices.contains(place) ? .string(String(scalars[place])) : .undefined(name: "[\(number)]")
        case (_, .string(let name)): return try attribute(name, of: object, line)
        case (.undefined(let missing), _):
            throw .template(line: line, construct: "[\(index.representation)]", reason: "\(missing) is undefined")
        default: return .undefined(name: "[\(index.representation)]")
        }
    }

    private func slice(
        _ object: TemplateValue, _ start: TemplateValue?, _ end: TemplateValue?, _ step: TemplateValue?, _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        func bound(_ value: TemplateValue?) throws(TokenizerError) -> Int? {
            switch value {
            case nil, .some(.none): return nil
            case .some(let value):
                guard let number = value.whole else {
                    throw .template(line: line, construct: "a slice", reason: "\(value.kind) is not a whole number")
                }
                return number
            }
        }
        let by = try bound(step) ?? 1
        if by == 0 { throw .template(line: line, construct: "a slice", reason: "the step is 0") }
        let (from, to) = (try bound(start), try bound(end))
        func indices(_ count: Int) -> [Int] {
            func place(_ value: Int?, _ standard: Int) -> Int {
                guard let value else { return standard }
                let place = value < 0 ? value + count : value
                return by > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
            }
            let first = place(from, by > 0 ? 0 : count - 1)
            let last = place(to, by > 0 ? count : -1)
            return Array(stride(from: first, to: last, by: by))
        }
        switch object {
        case .list(let values): return .list(indices(values.count).map { values[$0] })
        case .string(let text):
            let scalars = Array(text.unicodeScalars)
            var result = String.UnicodeScalarView()
            for index in indices(scalars.count) { result.append(scalars[index]) }
            return .string(String(result))
        default: throw .template(line: line, construct: "a slice", reason: "\(object.kind) cannot be sliced")
        }
    }

    private mutating func call(
        _ function: TemplateExpression, _ arguments: TemplateArguments, _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        if case .attribute(let object, let name) = function.kind {
            let receiver = try evaluate(object)
            // A mapping's own member wins only where it can be called.
            if case .macro(let macro) = (try? attribute(name, of: receiver, line)) ?? .none {
                return try call(macro, arguments, line)
            }
            let (positional, named) = try evaluate(arguments)
            return try callMethod(name, on: receiver, positional, named, line)
        }
        let callee = try evaluate(function)
        switch callee {
        case .macro(let macro): return try call(macro, arguments, line)
        case .function(let name):
            let (positional, named) = try evaluate(arguments)
            return try callGlobal(
                name, positional,
                arguments.named.compactMap { pair in
                    named[pair.name].map { (pair.name, $0) }
                }, line)
        default: throw .template(line: line, construct: "a call", reason: "\(callee.kind) cannot be called")
        }
    }

    private mutating func call(
        _ macro: TemplateMacro, _ arguments: TemplateArguments, _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        let (positional, named) = try evaluate(arguments)
        if positional.count > macro.parameters.count {
            throw .template(
                line: line, construct: macro.name,
                reason: "it takes \(macro.parameters.count) arguments, \(positional.count) were given")
        }
        callDepth += 1
        if callDepth > 100 { throw .template(line: line, construct: macro.name, reason: "more than 100 nested calls") }
        let outer = scopes
        scopes = [outer[0], [:]]
        for (index, parameter) in macro.parameters.enumerated() {
            if let given = index < positional.count ? positional[index] : named[parameter.name] {
                scopes[1][parameter.name] = given
            } else if let standard = parameter.standard {
                scopes[1][parameter.name] = try evaluate(standard)
            }
        }
        let text = try captured { interpreter throws(TokenizerError) in _ = try interpreter.run(macro.body) }
        scopes = outer
        callDepth -= 1
        return .string(text)
    }

    private mutating func callGlobal(
        _ name: String, _ positional: [TemplateValue], _ named: [(String, TemplateValue)], _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        switch name {
        case "raise_exception": throw .templateRefused(line: line, message: positional.first?.text ?? "")
        case "namespace":
            namespaces.append(named.map { (key: $0.0, value: $0.1) })
            return .namespace(namespaces.count - 1)
        case "dict": return .dictionary(named.map { (key: $0.0, value: $0.1) })
        case "strftime_now": return .string(TemplateDate.format(date, positional.first?.text ?? ""))
        default:
            let bounds = positional.compactMap(\.whole)
            guard bounds.count == positional.count, (1...3).contains(bounds.count), bounds.count < 3 || bounds[2] != 0
            else {
                throw .template(line: line, construct: "range", reason: "it takes one to three whole numbers")
            }
            let from = bounds.count == 1 ? 0 : bounds[0]
            let numbers = stride(
                from: from, to: bounds.count == 1 ? bounds[0] : bounds[1], by: bounds.count == 3 ? bounds[2] : 1)
            let values = numbers.prefix(Self.longestRange + 1).map { TemplateValue.integer($0) }
            if values.count > Self.longestRange {
                throw .template(line: line, construct: "range", reason: "it is longer than \(Self.longestRange)")
            }
            return .list(values)
        }
    }

    private mutating func binary(
        _ symbol: String, _ left: TemplateExpression, _ right: TemplateExpression, _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        let a = try evaluate(left)
        if symbol == "and" { return a.isTrue ? try evaluate(right) : a }
        if symbol == "or" { return a.isTrue ? a : try evaluate(right) }
        let b = try evaluate(right)
        switch symbol {
        case "==": return .bool(a.equals(b))
        case "!=": return .bool(!a.equals(b))
        case "~": return .string(a.text + b.text)
        case "in": return .bool(try contains(b, a, line))
        case "not in": return .bool(!(try contains(b, a, line)))
        case "<", ">", "<=", ">=": return .bool(try TemplateArithmetic.compare(symbol, a, b, line))
        default: return try TemplateArithmetic.compute(symbol, a, b, line)
        }
    }

    func contains(_ container: TemplateValue, _ element: TemplateValue, _ line: Int) throws(TokenizerError) -> Bool {
        switch container {
        case .list(let values): return values.contains { $0.equals(element) }
        case .dictionary(let members): return members.contains { $0.key == element.text }
        case .undefined: return false
        case .string(let text):
            if case .string(let part) = element { return part.isEmpty || text.contains(part) }
            throw .template(
                line: line, construct: "in", reason: "a string can only contain strings, not \(element.kind)")
        default: throw .template(line: line, construct: "in", reason: "\(container.kind) contains nothing")
        }
    }
}
