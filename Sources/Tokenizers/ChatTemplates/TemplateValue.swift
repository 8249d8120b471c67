import JSON

/// A value inside a chat template, with Python's rules for truth, equality and text.
indirect enum TemplateValue: Sendable {
    case undefined(name: String)
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([TemplateValue])
    case dictionary([(key: String, value: TemplateValue)])
    /// A `namespace(…)`, by its place in the interpreter's store.
    case namespace(Int)
    case function(String)
    case macro(TemplateMacro)

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        case .array(let values): self = .list(values.map(TemplateValue.init))
        case .object(let members): self = .dictionary(members.map { ($0.key, TemplateValue($0.value)) })
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let values): !values.isEmpty
        case .dictionary(let members): !members.isEmpty
        case .namespace, .function, .macro: true
        }
    }

    /// What kind of value this is, for messages.
    var kind: String {
        switch self {
        case .undefined(let name): "undefined (\(name))"
        case .none: "none"
        case .bool: "a truth value"
        case .integer, .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .dictionary: "a mapping"
        case .namespace: "a namespace"
        case .function, .macro: "a function"
        }
    }

    /// Number value; truth values count as 0 and 1.
    var numeric: Double? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var whole: Int? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): value
        default: nil
        }
    }

    /// What printing gives (`str`).
    var text: String {
        switch self {
        case .undefined: ""
        case .string(let value): value
        default: representation
        }
    }

    /// Python's `repr`.
    var representation: String {
        switch self {
        case .undefined: return "Undefined"
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .string(let value):
            let quote = value.contains("'") && !value.contains("\"") ? "\"" : "'"
            var text = value.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\t", with: "\\t")
                .replacing("\r", with: "\\r")
            if quote == "'" { text = text.replacing("'", with: "\\'") }
            return quote + text + quote
        case .list(let values): return "[" + values.map(\.representation).joined(separator: ", ") + "]"
        case .dictionary(let members):
            let parts = members.map { TemplateValue.string($0.key).representation + ": " + $0.value.representation }
            return "{" + parts.joined(separator: ", ") + "}"
        case .namespace: return "namespace"
        case .function(let name): return name
        case .macro(let macro): return macro.name
        }
    }

    /// Python's `==`.
    func equals(_ other: TemplateValue) -> Bool {
        if let a = numeric, let b = other.numeric { return a == b }
        switch (self, other) {
        case (.none, .none), (.undefined, .undefined): return true
        case (.string(let a), .string(let b)): return a.unicodeScalars.elementsEqual(b.unicodeScalars)
        case (.list(let a), .list(let b)): return a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
        case (.dictionary(let a), .dictionary(let b)):
            return a.count == b.count
                && a.allSatisfy { member in
                    b.first { $0.key == member.key }.map { $0.value.equals(member.value) } ?? false
                }
        case (.namespace(let a), .namespace(let b)): return a == b
        default: return false
        }
    }

    /// As `json.dumps(…, ensure_ascii=False)` writes it, nil for what has no JSON form.
    func json(indent: Int?, depth: Int = 0) -> String? {
        let newline = indent.map { "\n" + String(repeating: " ", count: $0 * (depth + 1)) }
        let closing = indent.map { "\n" + String(repeating: " ", count: $0 * depth) } ?? ""
        let separator = newline.map { "," + $0 } ?? ", "
        switch self {
        case .none: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer, .number: return text
        case .string(let value): return JSONValue.quoted(value)
        case .list(let values):
            if values.isEmpty { return "[]" }
            let parts = values.compactMap { $0.json(indent: indent, depth: depth + 1) }
            guard parts.count == values.count else { return nil }
            return "[" + (newline ?? "") + parts.joined(separator: separator) + closing + "]"
        case .dictionary(let members):
            if members.isEmpty { return "{}" }
            let parts = members.compactMap { member in
                member.value.json(indent: indent, depth: depth + 1).map { JSONValue.quoted(member.key) + ": " + $0 }
            }
            guard parts.count == members.count else { return nil }
            return "{" + (newline ?? "") + parts.joined(separator: separator) + closing + "}"
        default: return nil
        }
    }
}

/// A macro: parameters with defaults, and a body.
struct TemplateMacro: Sendable {
    var name: String
    var parameters: [(name: String, standard: TemplateExpression?)]
    var body: [TemplateStatement]
}
