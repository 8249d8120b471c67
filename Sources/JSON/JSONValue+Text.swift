extension JSONValue {
    /// Indented text that ends with a newline; lists and objects that fit into a line of 100 characters stay in one.
    ///
    /// Whole numbers below 10¹⁵ have no fraction. JSON has no infinities: they are written as strings.
    public var text: String { text(indent: "") + "\n" }

    /// The text on one line, `{"rank": 4, "layers": [15]}`, with the numbers of ``text``.
    public var line: String { line(padding: "") }

    private func text(indent: String) -> String {
        let flat = line(padding: " ")
        if flat.count + indent.count <= 100 { return flat }
        let inner = indent + "  "
        switch self {
        case .array(let list):
            return "[\n" + list.map { inner + $0.text(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members):
            let lines = members.map { "\(inner)\(Self.quoted($0.key)): \($0.value.text(indent: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        default: return flat
        }
    }

    private func line(padding: String) -> String {
        switch self {
        case .null: return "null"
        case .bool(let flag): return "\(flag)"
        case .integer(let number): return "\(number)"
        case .number(let number):
            guard number.isFinite else { return Self.quoted("\(number)") }
            return number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .string(let string): return Self.quoted(string)
        case .array(let list): return "[" + list.map { $0.line(padding: padding) }.joined(separator: ", ") + "]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let parts = members.map { "\(Self.quoted($0.key)): \($0.value.line(padding: padding))" }
            return "{" + padding + parts.joined(separator: ", ") + padding + "}"
        }
    }

    /// A string between quotation marks, escaped as Python's `json.dumps(…, ensure_ascii=False)` does.
    public static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{08}": text += "\\b"
            case "\u{0C}": text += "\\f"
            case "\u{00}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
