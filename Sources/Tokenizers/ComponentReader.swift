import JSON

/// Reads the components of a tokenizer.json; what is not understood is an error that names it.
struct ComponentReader {
    let file: String

    func type(of value: JSONValue, _ field: String) throws(TokenizerError) -> String {
        guard let type = value["type"]?.string else {
            throw .invalidField(
                source: file, field: "\(field).type", given: value["type"]?.summary ?? "missing", allowed: "a name")
        }
        return type
    }

    func unsupported(_ field: String, _ given: String, _ known: [String]) -> TokenizerError {
        .unsupportedComponent(source: file, field: field, given: given, known: known)
    }

    func string(_ value: JSONValue, _ key: String, _ field: String) throws(TokenizerError) -> String {
        guard let text = value[key]?.string else {
            throw .invalidField(
                source: file, field: "\(field).\(key)", given: value[key]?.summary ?? "missing", allowed: "a string")
        }
        return text
    }

    func bool(_ value: JSONValue, _ key: String, _ field: String, default fallback: Bool) throws(TokenizerError) -> Bool
    {
        switch value[key] {
        case nil, .null?: return fallback
        case .bool(let flag)?: return flag
        case let other?:
            throw .invalidField(
                source: file, field: "\(field).\(key)", given: other.summary, allowed: "true or false")
        }
    }

    func integer(_ value: JSONValue, _ key: String, _ field: String, default fallback: Int) throws(TokenizerError)
        -> Int
    {
        switch value[key] {
        case nil, .null?: return fallback
        case .integer(let number)? where (0...1_000_000).contains(number): return number
        case let other?:
            throw .invalidField(
                source: file, field: "\(field).\(key)", given: other.summary,
                allowed: "a whole number from 0 to 1000000")
        }
    }

    func list(_ value: JSONValue, _ key: String, _ field: String) throws(TokenizerError) -> [JSONValue] {
        guard let list = value[key]?.array else {
            throw .invalidField(
                source: file, field: "\(field).\(key)", given: value[key]?.summary ?? "missing", allowed: "a list")
        }
        return list
    }

    func addedTokens(_ value: JSONValue) throws(TokenizerError) -> [AddedToken] {
        if value == .null { return [] }
        guard let list = value.array else {
            throw .invalidField(source: file, field: "added_tokens", given: value.summary, allowed: "a list")
        }
        var tokens: [AddedToken] = []
        for (index, item) in list.enumerated() {
            let field = "added_tokens[\(index)]"
            guard let id = item["id"]?.integer, (0...TokenVocabulary.largestID).contains(id) else {
                throw .invalidField(
                    source: file, field: "\(field).id", given: item["id"]?.summary ?? "missing",
                    allowed: "a whole number from 0 to \(TokenVocabulary.largestID)")
            }
            let isSpecial = try bool(item, "special", field, default: false)
            tokens.append(
                AddedToken(
                    id: Int32(id), content: try string(item, "content", field), isSpecial: isSpecial,
                    stripsLeft: try bool(item, "lstrip", field, default: false),
                    stripsRight: try bool(item, "rstrip", field, default: false),
                    isSingleWord: try bool(item, "single_word", field, default: false),
                    isNormalized: try bool(item, "normalized", field, default: !isSpecial)))
        }
        return tokens
    }

    /// `{"String": …}` or `{"Regex": …}`.
    func pattern(_ value: JSONValue, _ field: String) throws(TokenizerError) -> (text: String, isExpression: Bool) {
        if let text = value["pattern"]?["String"]?.string { return (text, false) }
        if let text = value["pattern"]?["Regex"]?.string { return (text, true) }
        throw .invalidField(
            source: file, field: "\(field).pattern", given: value["pattern"]?.summary ?? "missing",
            allowed: "{\"String\": …} or {\"Regex\": …}")
    }

    func behavior(_ value: JSONValue, _ field: String) throws(TokenizerError) -> SplitBehavior {
        let name = try string(value, "behavior", field)
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw unsupported("\(field).behavior", name, SplitBehavior.allCases.map(\.rawValue))
        }
        return behavior
    }
}
