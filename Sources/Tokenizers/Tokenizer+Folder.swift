import Foundation
import JSON

extension Tokenizer {
    /// The tokenizer in a Hugging Face model folder.
    ///
    /// Reads `tokenizer.json`; where it is absent `vocab.json` with `merges.txt` (GPT-2, RoBERTa) or `vocab.txt` (BERT).
    /// `tokenizer_config.json`, `special_tokens_map.json` and `chat_template.jinja` add special tokens and chat template.
    /// - Throws: `TokenizerError` for a missing, damaged or unsupported file.
    public init(folder: URL) throws(TokenizerError) {
        let config = try Self.json("tokenizer_config.json", in: folder) ?? .null
        let map = try Self.json("special_tokens_map.json", in: folder) ?? .null
        if let bytes = try Self.bytes("tokenizer.json", in: folder) {
            try self.init(json: bytes, file: folder.appending(path: "tokenizer.json").relativePath)
        } else if let vocabulary = try Self.bytes("vocab.json", in: folder),
            let merges = try Self.bytes("merges.txt", in: folder)
        {
            try self.init(vocabJSON: vocabulary, merges: merges, LegacyTokenizerSettings(config, map))
        } else if let vocabulary = try Self.bytes("vocab.txt", in: folder) {
            try self.init(vocabText: vocabulary, LegacyTokenizerSettings(config, map))
        } else {
            throw .noTokenizer(
                folder: folder.relativePath, looked: ["tokenizer.json", "vocab.json with merges.txt", "vocab.txt"])
        }
        let special = LegacyTokenizerSettings(config, map)
        bos = special.name("bos_token").flatMap(id(for:)) ?? bos
        eos = special.name("eos_token").flatMap(id(for:)) ?? eos
        pad = special.name("pad_token").flatMap(id(for:)) ?? pad
        unknown = special.name("unk_token").flatMap(id(for:)) ?? unknown
        // Absent limits are written as a huge number.
        maximumLength = config["model_max_length"]?.integer.flatMap { $0 < 1 << 30 ? $0 : nil }
        if let template = try Self.chatTemplate(config, in: folder) {
            chatTemplate = try ChatTemplate(
                template, bosToken: special.name("bos_token"), eosToken: special.name("eos_token"))
        }
    }

    private static func chatTemplate(_ config: JSONValue, in folder: URL) throws(TokenizerError) -> String? {
        if let bytes = try bytes("chat_template.jinja", in: folder) { return String(decoding: bytes, as: UTF8.self) }
        switch config["chat_template"] {
        case .string(let template)?: return template
        case .array(let named)?:
            return (named.first { $0["name"]?.string == "default" } ?? named.first)?["template"]?.string
        default: return nil
        }
    }

    private static func bytes(_ name: String, in folder: URL) throws(TokenizerError) -> [UInt8]? {
        let file = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return Array(try Data(contentsOf: file))
        } catch {
            throw .unreadable(file: file.relativePath, reason: error.localizedDescription)
        }
    }

    private static func json(_ name: String, in folder: URL) throws(TokenizerError) -> JSONValue? {
        guard let bytes = try bytes(name, in: folder) else { return nil }
        return try TokenizerFileScanner.parse(bytes, file: folder.appending(path: name).relativePath)
    }
}
