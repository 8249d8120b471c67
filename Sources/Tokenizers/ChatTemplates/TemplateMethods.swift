extension TemplateInterpreter {
    private static let methods = [
        "capitalize", "count", "endswith", "find", "format", "get", "items", "join", "keys", "lower", "lstrip",
        "removeprefix",
        "removesuffix", "replace", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
        "values",
    ]

    /// `value.name(…)`, the methods of Python's strings and mappings that templates use.
    func callMethod(
        _ name: String, on value: TemplateValue, _ positional: [TemplateValue], _ named: [String: TemplateValue],
        _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        switch (value, name) {
        case (.string(let text), _):
            if let result = try TemplateText.call(name, text, positional, named, line) { return result }
        case (.dictionary(let members), "items"): return .list(members.map { .list([.string($0.key), $0.value]) })
        case (.dictionary(let members), "keys"): return .list(members.map { .string($0.key) })
        case (.dictionary(let members), "values"): return .list(members.map(\.value))
        case (.dictionary(let members), "get"):
            let key = positional.first?.text ?? ""
            return members.last { $0.key == key }?.value ?? positional.dropFirst().first ?? .none
        case (.list(let values), "count"):
            return .integer(values.count { $0.equals(positional.first ?? .none) })
        case (.undefined(let missing), _):
            throw .template(line: line, construct: ".\(name)()", reason: "\(missing) is undefined")
        default: break
        }
        throw .template(
            line: line, construct: ".\(name)()",
            reason: "\(value.kind) has no such method here; known: \(Self.methods.joined(separator: ", "))")
    }
}

/// Python's string methods.
enum TemplateText {
    /// The result of a method, nil when there is none of this name.
    static func call(
        _ name: String, _ text: String, _ positional: [TemplateValue], _ named: [String: TemplateValue], _ line: Int
    ) throws(TokenizerError) -> TemplateValue? {
        let first = positional.first
        func required() throws(TokenizerError) -> String {
            guard case .string(let argument)? = first else {
                throw .template(
                    line: line, construct: ".\(name)()",
                    reason: "it takes a string, \(first?.kind ?? "nothing") was given")
            }
            return argument
        }
        switch name {
        case "strip", "lstrip", "rstrip":
            let set: String? = if case .string(let characters)? = first { characters } else { nil }
            return .string(strip(text, set, left: name != "rstrip", right: name != "lstrip"))
        case "upper": return .string(text.uppercased())
        case "lower": return .string(text.lowercased())
        case "capitalize": return .string(text.prefix(1).uppercased() + text.dropFirst().lowercased())
        case "title": return .string(title(text))
        case "startswith", "endswith":
            let parts = if case .list(let parts)? = first { parts.map(\.text) } else { [try required()] }
            return .bool(parts.contains { name == "startswith" ? starts(text, with: $0) : ends(text, with: $0) })
        case "removeprefix":
            let part = try required()
            return .string(
                starts(text, with: part) ? String(text.unicodeScalars.dropFirst(part.unicodeScalars.count)) : text)
        case "removesuffix":
            let part = try required()
            return .string(
                ends(text, with: part) ? String(text.unicodeScalars.dropLast(part.unicodeScalars.count)) : text)
        case "replace":
            let old = try required()
            let limit = (positional.dropFirst(2).first ?? named["count"])?.whole
            let pieces = split(text, old, limit: limit.flatMap { $0 < 0 ? nil : $0 })
            return .string(pieces.joined(separator: positional.dropFirst().first?.text ?? ""))
        case "split", "rsplit":
            let limit = (positional.dropFirst().first ?? named["maxsplit"])?.whole.flatMap { $0 < 0 ? nil : $0 }
            guard case .string(let separator)? = first ?? named["sep"] else {
                return .list(
                    text.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map { .string(String($0)) })
            }
            if separator.isEmpty {
                throw .template(line: line, construct: ".\(name)()", reason: "the separator is empty")
            }
            guard name == "rsplit", let limit else {
                return .list(split(text, separator, limit: limit).map { .string($0) })
            }
            let parts = split(text, separator, limit: nil)
            let head = parts.dropLast(limit).joined(separator: separator)
            return .list(((parts.count > limit ? [head] : []) + parts.suffix(limit)).map { .string($0) })
        case "splitlines":
            var lines = split(text.replacing("\r\n", with: "\n"), "\n", limit: nil)
            if lines.last == "" { lines.removeLast() }
            return .list(lines.map { .string($0) })
        case "find":
            let parts = split(text, try required(), limit: 1)
            return .integer(parts.count < 2 ? -1 : parts[0].unicodeScalars.count)
        case "count": return .integer(split(text, try required(), limit: nil).count - 1)
        case "format":
            let parts = split(text, "{}", limit: nil)
            guard named.isEmpty, parts.count == positional.count + 1,
                !parts.contains(where: { $0.contains { "{}".contains($0) } })
            else {
                throw .template(
                    line: line, construct: ".format()", reason: "only {} is supported, one for each argument")
            }
            return .string(parts[0] + zip(positional, parts.dropFirst()).map { $0.text + $1 }.joined())
        case "join":
            guard case .list(let values)? = first else {
                throw .template(line: line, construct: ".join()", reason: "it takes a list")
            }
            return .string(values.map(\.text).joined(separator: text))
        default: return nil
        }
    }

    static func starts(_ text: String, with part: String) -> Bool {
        text.unicodeScalars.starts(with: part.unicodeScalars)
    }

    static func ends(_ text: String, with part: String) -> Bool {
        text.unicodeScalars.reversed().starts(with: part.unicodeScalars.reversed())
    }

    /// Cuts at each occurrence of a separator, at most `limit` times; code points are compared, not characters.
    static func split(_ text: String, _ separator: String, limit: Int?) -> [String] {
        let bytes = Array(text.utf8)
        let found = bytes.withUnsafeBufferPointer { buffer -> [Range<Int>] in
            guard let base = buffer.baseAddress else { return [] }
            return occurrences(of: Array(separator.utf8), in: base, 0..<buffer.count)
        }
        var parts: [String] = []
        var last = 0
        for range in found.prefix(limit ?? found.count) {
            parts.append(String(decoding: bytes[last..<range.lowerBound], as: UTF8.self))
            last = range.upperBound
        }
        return parts + [String(decoding: bytes[last...], as: UTF8.self)]
    }

    static func strip(_ text: String, _ set: String?, left: Bool, right: Bool) -> String {
        var view = text.unicodeScalars[...]
        func isStripped(_ scalar: Unicode.Scalar) -> Bool {
            set.map { $0.unicodeScalars.contains(scalar) } ?? scalar.properties.isWhitespace
        }
        while left, let first = view.first, isStripped(first) { view.removeFirst() }
        while right, let last = view.last, isStripped(last) { view.removeLast() }
        return String(view)
    }

    static func indent(_ text: String, _ width: Int, first: Bool, blank: Bool) -> String {
        let margin = String(repeating: " ", count: min(max(width, 0), 1000))
        return split(text, "\n", limit: nil).enumerated().map { index, line in
            (index == 0 ? first : blank || !line.isEmpty) ? margin + line : line
        }.joined(separator: "\n")
    }

    /// Jinja's `title` filter, which begins words only after white space, hyphens and opening brackets.
    static func capitalizingWords(_ text: String) -> String {
        var result = ""
        var isInside = false
        for character in text {
            result += isInside ? character.lowercased() : character.uppercased()
            isInside = !(character.isWhitespace || "-({[<".contains(character))
        }
        return result
    }

    private static func title(_ text: String) -> String {
        var result = ""
        var isInside = false
        for character in text {
            result += isInside ? character.lowercased() : character.uppercased()
            isInside = character.isLetter
        }
        return result
    }
}
