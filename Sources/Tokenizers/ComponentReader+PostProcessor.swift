import JSON

extension ComponentReader {
    static let postProcessorTypes = [
        "Sequence", "TemplateProcessing", "ByteLevel", "BertProcessing", "RobertaProcessing",
    ]

    func postProcessor(_ value: JSONValue, _ field: String = "post_processor") throws(TokenizerError) -> PostProcessor {
        var result = PostProcessor()
        try read(value, field, into: &result)
        return result
    }

    private func read(
        _ value: JSONValue, _ field: String, into result: inout PostProcessor
    ) throws(TokenizerError) {
        if value == .null { return }
        let type = try type(of: value, field)
        switch type {
        case "Sequence":
            var templates = 0
            for (index, item) in try list(value, "processors", field).enumerated() {
                let inner = "\(field).processors[\(index)]"
                if try self.type(of: item, inner) != "ByteLevel" { templates += 1 }
                if templates > 1 {
                    throw .invalidField(
                        source: file, field: inner, given: "a second template", allowed: "one that adds tokens")
                }
                try read(item, inner, into: &result)
            }
        case "TemplateProcessing":
            let tokens = value["special_tokens"] ?? .null
            result.single = try template(value, "single", field, tokens)
            if value["pair"] != nil { result.pair = try template(value, "pair", field, tokens) }
        case "ByteLevel":
            try readTrimming(value, field, into: &result)
        case "BertProcessing", "RobertaProcessing":
            let start = PostProcessor.Element.token(try tokenID(value, "cls", field), type: 0)
            let end = try tokenID(value, "sep", field)
            result.single = [start, .first(type: 0), .token(end, type: 0)]
            if type == "BertProcessing" {
                result.pair = result.single + [.second(type: 1), .token(end, type: 1)]
            } else {
                result.pair = result.single + [.token(end, type: 0), .second(type: 0), .token(end, type: 0)]
                try readTrimming(value, field, into: &result)
            }
        default: throw unsupported("\(field).type", type, Self.postProcessorTypes)
        }
    }

    private func readTrimming(
        _ value: JSONValue, _ field: String, into result: inout PostProcessor
    ) throws(TokenizerError) {
        guard try bool(value, "trim_offsets", field, default: true) else { return }
        result.trimsOffsets = true
        result.keepsFirstSpace = try bool(value, "add_prefix_space", field, default: true)
    }

    /// `[token, id]`.
    private func tokenID(_ value: JSONValue, _ key: String, _ field: String) throws(TokenizerError) -> Int32 {
        guard let pair = value[key]?.array, pair.count == 2, let id = pair[1].integer,
            (0...TokenVocabulary.largestID).contains(id)
        else {
            throw .invalidField(
                source: file, field: "\(field).\(key)", given: value[key]?.summary ?? "missing",
                allowed: "[token, id]")
        }
        return Int32(id)
    }

    private func template(
        _ value: JSONValue, _ key: String, _ field: String, _ tokens: JSONValue
    ) throws(TokenizerError) -> [PostProcessor.Element] {
        var result: [PostProcessor.Element] = []
        for (index, item) in try list(value, key, field).enumerated() {
            let place = "\(field).\(key)[\(index)]"
            let body = item["Sequence"] ?? item["SpecialToken"] ?? .null
            let segment = Int32(truncatingIfNeeded: try integer(body, "type_id", place, default: 0))
            let name = try string(body, "id", place)
            if item["Sequence"] != nil {
                guard name == "A" || name == "B" else { throw unsupported("\(place).id", name, ["A", "B"]) }
                result.append(name == "A" ? .first(type: segment) : .second(type: segment))
                continue
            }
            guard let ids = tokens[name]?["ids"]?.array else {
                throw .invalidField(
                    source: file, field: "\(field).special_tokens.\(name)", given: "missing", allowed: "its ids")
            }
            for id in ids {
                guard let id = id.integer, (0...TokenVocabulary.largestID).contains(id) else {
                    throw .invalidField(
                        source: file, field: "\(field).special_tokens.\(name).ids", given: id.summary,
                        allowed: "whole numbers from 0 to \(TokenVocabulary.largestID)")
                }
                result.append(.token(Int32(id), type: segment))
            }
        }
        return result
    }
}
