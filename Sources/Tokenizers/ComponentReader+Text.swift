import JSON

extension ComponentReader {
    static let normalizerTypes = [
        "Sequence", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer", "Replace", "Prepend",
        "Strip",
    ]

    func normalizers(_ value: JSONValue, _ field: String = "normalizer") throws(TokenizerError) -> [Normalizer] {
        if value == .null { return [] }
        let type = try type(of: value, field)
        if let form = UnicodeForm(rawValue: type) { return [.form(form)] }
        switch type {
        case "Sequence":
            var all: [Normalizer] = []
            for (index, item) in try list(value, "normalizers", field).enumerated() {
                all += try normalizers(item, "\(field).normalizers[\(index)]")
            }
            return all
        case "Lowercase": return [.lowercase]
        case "StripAccents": return [.stripAccents]
        case "BertNormalizer":
            let lowercases = try bool(value, "lowercase", field, default: true)
            return [
                .bert(
                    BertNormalization(
                        cleansText: try bool(value, "clean_text", field, default: true),
                        separatesChinese: try bool(value, "handle_chinese_chars", field, default: true),
                        stripsAccents: try bool(value, "strip_accents", field, default: lowercases),
                        lowercases: lowercases))
            ]
        case "Replace":
            let (text, isExpression) = try pattern(value, field)
            let content = Array(try string(value, "content", field).utf8)
            return [
                .replace(
                    isExpression ? .expression(try PatternExpression(text)) : .literal(Array(text.utf8)), with: content)
            ]
        case "Prepend": return [.prepend(Array(try string(value, "prepend", field).utf8))]
        case "Strip":
            return [
                .strip(
                    left: try bool(value, "strip_left", field, default: true),
                    right: try bool(value, "strip_right", field, default: true))
            ]
        default: throw unsupported("\(field).type", type, Self.normalizerTypes)
        }
    }

    static let preTokenizerTypes = [
        "Sequence", "ByteLevel", "Split", "Metaspace", "BertPreTokenizer", "Whitespace", "WhitespaceSplit",
        "Punctuation", "Digits",
    ]

    func preTokenizers(
        _ value: JSONValue, _ field: String = "pre_tokenizer"
    ) throws(TokenizerError) -> [PreTokenizer] {
        if value == .null { return [] }
        let type = try type(of: value, field)
        switch type {
        case "Sequence":
            var all: [PreTokenizer] = []
            for (index, item) in try list(value, "pretokenizers", field).enumerated() {
                if case .byteLevel? = all.last {
                    throw .invalidField(
                        source: file, field: "\(field).pretokenizers[\(index)]",
                        given: "a step after ByteLevel", allowed: "ByteLevel as the last step")
                }
                all += try preTokenizers(item, "\(field).pretokenizers[\(index)]")
            }
            return all
        case "ByteLevel":
            return [
                .byteLevel(
                    addsPrefixSpace: try bool(value, "add_prefix_space", field, default: true),
                    splits: try bool(value, "use_regex", field, default: true))
            ]
        case "Split": return [try split(value, field)]
        case "Metaspace": return [try metaspace(value, field)]
        case "BertPreTokenizer": return [.bert]
        case "Whitespace": return [.whitespace]
        case "WhitespaceSplit": return [.whitespaceSplit]
        case "Punctuation":
            return [.punctuation(value["behavior"] == nil ? .isolated : try behavior(value, field))]
        case "Digits": return [.digits(individual: try bool(value, "individual_digits", field, default: false))]
        default: throw unsupported("\(field).type", type, Self.preTokenizerTypes)
        }
    }

    private func split(_ value: JSONValue, _ field: String) throws(TokenizerError) -> PreTokenizer {
        let (text, isExpression) = try pattern(value, field)
        let behavior = try behavior(value, field)
        let inverted = try bool(value, "invert", field, default: false)
        if !isExpression { return .literal(Array(text.utf8), behavior, inverted: inverted) }
        // These patterns leave nothing between matches, so keeping the matches and isolating them is the same.
        if let words = WordPattern(source: text), behavior == .isolated || (behavior == .removed && inverted) {
            return .words(words)
        }
        return .pattern(try PatternExpression(text), behavior, inverted: inverted)
    }

    private func metaspace(_ value: JSONValue, _ field: String) throws(TokenizerError) -> PreTokenizer {
        .metaspace(
            marker: try marker(value, field), prepends: try prefixScheme(value, field),
            splits: try bool(value, "split", field, default: true))
    }

    func marker(_ value: JSONValue, _ field: String) throws(TokenizerError) -> [UInt8] {
        value["replacement"] == nil ? Array("▁".utf8) : Array(try string(value, "replacement", field).utf8)
    }

    /// `prepend_scheme`, or `add_prefix_space` in older files.
    func prefixScheme(_ value: JSONValue, _ field: String) throws(TokenizerError) -> MetaspacePrefix {
        guard let name = value["prepend_scheme"]?.string else {
            return try bool(value, "add_prefix_space", field, default: true) ? .always : .never
        }
        guard let scheme = MetaspacePrefix(rawValue: name) else {
            throw unsupported("\(field).prepend_scheme", name, MetaspacePrefix.allCases.map(\.rawValue))
        }
        return scheme
    }

    static let decoderTypes = [
        "Sequence", "ByteLevel", "ByteFallback", "Fuse", "Strip", "Replace", "Metaspace", "WordPiece",
    ]

    func decoders(_ value: JSONValue, _ field: String = "decoder") throws(TokenizerError) -> [TokenDecoder] {
        if value == .null { return [] }
        let type = try type(of: value, field)
        switch type {
        case "Sequence":
            var all: [TokenDecoder] = []
            for (index, item) in try list(value, "decoders", field).enumerated() {
                all += try decoders(item, "\(field).decoders[\(index)]")
            }
            return all
        case "ByteLevel": return [.byteLevel]
        case "ByteFallback": return [.byteFallback]
        case "Fuse": return [.fuse]
        case "Strip":
            return [
                .strip(
                    Array(try string(value, "content", field).utf8),
                    start: try integer(value, "start", field, default: 0),
                    stop: try integer(value, "stop", field, default: 0))
            ]
        case "Replace":
            let (text, isExpression) = try pattern(value, field)
            if isExpression { throw unsupported("\(field).pattern", "Regex", ["String"]) }
            return [.replace(Array(text.utf8), with: Array(try string(value, "content", field).utf8))]
        case "Metaspace":
            return [
                .metaspace(marker: try marker(value, field), prepends: try prefixScheme(value, field) != .never)
            ]
        case "WordPiece":
            return [
                .wordPiece(
                    prefix: Array(try string(value, "prefix", field).utf8),
                    cleansUp: try bool(value, "cleanup", field, default: true))
            ]
        default: throw unsupported("\(field).type", type, Self.decoderTypes)
        }
    }
}
