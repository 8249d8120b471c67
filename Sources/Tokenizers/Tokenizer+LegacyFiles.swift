import JSON

/// What older tokenizer folders say in `tokenizer_config.json` and `special_tokens_map.json`.
struct LegacyTokenizerSettings {
    private let config: JSONValue
    private let map: JSONValue

    init(_ config: JSONValue, _ map: JSONValue) {
        self.config = config
        self.map = map
    }

    /// A special token's string; it is written plainly or as an object with its `content`.
    func name(_ key: String) -> String? {
        for value in [config[key], map[key]] {
            if let name = value?.string ?? value?["content"]?.string { return name }
        }
        return nil
    }

    var tokenizerClass: String { config["tokenizer_class"]?.string ?? "" }

    func flag(_ key: String, default fallback: Bool) -> Bool { config[key]?.bool ?? fallback }
}

extension Tokenizer {
    /// GPT-2's or RoBERTa's `vocab.json` and `merges.txt`.
    init(vocabJSON: [UInt8], merges text: [UInt8], _ settings: LegacyTokenizerSettings) throws(TokenizerError) {
        var document = TokenizerDocument()
        document.vocabulary = try vocabJSON.withUnsafeBufferPointer { (buffer) throws(TokenizerError) in
            var vocabulary = TokenVocabulary()
            var scanner = TokenizerFileScanner(UnsafeRawBufferPointer(buffer), file: "vocab.json")
            try TokenizerDocument.readVocabulary(&scanner, "vocab.json", into: &vocabulary)
            try scanner.end()
            vocabulary.finish()
            return vocabulary
        }
        for (index, line) in text.split(separator: 0x0A).enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            if index == 0, line.starts(with: "#version".utf8) { continue }
            guard document.merges.append(line: line) else {
                throw .invalidField(
                    source: "merges.txt", field: "line \(index + 1)",
                    given: "\"\(String(decoding: line, as: UTF8.self))\"",
                    allowed: "two tokens with a space between them")
            }
        }
        let isRoberta =
            settings.tokenizerClass.hasPrefix("Roberta")
            || (settings.tokenizerClass.isEmpty && settings.name("cls_token") != nil)
        let model = try BytePairModel(
            tokens: document.vocabulary, merges: document.merges, .init(isByteLevel: true), source: "merges.txt")
        var frame = PostProcessor(trimsOffsets: isRoberta)
        if isRoberta, let start = document.vocabulary.id((settings.name("cls_token") ?? "<s>").utf8),
            let end = document.vocabulary.id((settings.name("sep_token") ?? "</s>").utf8)
        {
            let close = PostProcessor.Element.token(end, type: 0)
            frame.single = [.token(start, type: 0), .first(type: 0), close]
            frame.pair = frame.single + [close, .second(type: 0), close]
        }
        self.init(
            vocabulary: document.vocabulary,
            addedTokens: Self.specialTokens(
                settings, document.vocabulary, defaults: isRoberta ? ["<mask>"] : ["<|endoftext|>"]),
            normalizers: [],
            preTokenizers: [
                .byteLevel(addsPrefixSpace: settings.flag("add_prefix_space", default: false), splits: true)
            ],
            model: .bytePair(model), postProcessor: frame, decoders: [.byteLevel])
    }

    /// BERT's `vocab.txt`: one token a line, the line is the id.
    init(vocabText: [UInt8], _ settings: LegacyTokenizerSettings) throws(TokenizerError) {
        var vocabulary = TokenVocabulary()
        var lines = vocabText.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (id, line) in lines.enumerated() {
            guard vocabulary.set(id, line.last == 0x0D ? line.dropLast() : line) else {
                throw .inconsistentVocabulary(
                    source: "vocab.txt", reason: "more than \(TokenVocabulary.largestID) tokens")
            }
        }
        vocabulary.finish()
        func required(_ key: String, _ fallback: String) throws(TokenizerError) -> Int32 {
            let name = settings.name(key) ?? fallback
            guard let id = vocabulary.id(name.utf8) else {
                throw .inconsistentVocabulary(
                    source: "vocab.txt", reason: "\(key) \"\(name)\" is not in the vocabulary")
            }
            return id
        }
        let unknown = try required("unk_token", "[UNK]")
        let start = PostProcessor.Element.token(try required("cls_token", "[CLS]"), type: 0)
        let end = try required("sep_token", "[SEP]")
        var frame = PostProcessor()
        frame.single = [start, .first(type: 0), .token(end, type: 0)]
        frame.pair = frame.single + [.second(type: 1), .token(end, type: 1)]
        let lowercases = settings.flag("do_lower_case", default: true)
        self.init(
            vocabulary: vocabulary,
            addedTokens: Self.specialTokens(
                settings, vocabulary, defaults: ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]),
            normalizers: [
                .bert(
                    BertNormalization(
                        cleansText: true,
                        separatesChinese: settings.flag("tokenize_chinese_chars", default: true),
                        stripsAccents: settings.flag("strip_accents", default: lowercases), lowercases: lowercases))
            ],
            preTokenizers: [.bert],
            model: .wordPiece(
                WordPieceModel(
                    vocabulary, initialPrefix: "", continuingPrefix: "##", unknown: unknown, longestWord: 100)),
            postProcessor: frame,
            decoders: [.wordPiece(prefix: Array("##".utf8), cleansUp: true)])
        self.unknown = unknown
    }

    /// The named special tokens, and those the model family has anyway.
    private static func specialTokens(
        _ settings: LegacyTokenizerSettings, _ vocabulary: TokenVocabulary, defaults: [String]
    ) -> [AddedToken] {
        let keys = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
        var seen: Set<String> = []
        return (keys.compactMap(settings.name) + defaults).compactMap { name in
            guard seen.insert(name).inserted, let id = vocabulary.id(name.utf8) else { return nil }
            // RoBERTa's mask takes the space before it along.
            return AddedToken(id: id, content: name, isSpecial: true, stripsLeft: name == "<mask>")
        }
    }
}
