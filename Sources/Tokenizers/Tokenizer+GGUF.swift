extension Tokenizer {
    private static let ggufModels = ["gpt2", "llama", "bert"]

    /// The tokenizer that a GGUF file carries; token ids agree with llama.cpp's.
    ///
    /// - Throws: `TokenizerError.unknownGGUFKind` for a model or splitting that is not known, or none;
    ///   `inconsistentVocabulary` when arrays do not fit together.
    public init(gguf source: GGUFTokenizerSource) throws(TokenizerError) {
        guard Self.ggufModels.contains(source.model) else {
            throw .unknownGGUFKind(key: "tokenizer.ggml.model", given: source.model, known: Self.ggufModels)
        }
        let vocabulary = try Self.vocabulary(source)
        switch source.model {
        case "gpt2": try self.init(byteLevel: source, vocabulary)
        case "llama": try self.init(sentencePiece: source, vocabulary)
        default: try self.init(wordPiece: source, vocabulary)
        }
        bos = source.bos
        eos = source.eos
        pad = source.padding
        if source.unknown != nil { unknown = source.unknown }
        if let template = source.chatTemplate {
            chatTemplate = try ChatTemplate(
                template, bosToken: bos.flatMap(token(for:)), eosToken: eos.flatMap(token(for:)))
        }
    }

    private static let ggufName = "GGUF tokenizer"

    private static func vocabulary(_ source: GGUFTokenizerSource) throws(TokenizerError) -> TokenVocabulary {
        let count = source.tokens.count
        if count == 0 || count > TokenVocabulary.largestID {
            throw .inconsistentVocabulary(source: ggufName, reason: "tokenizer.ggml.tokens has \(count) entries")
        }
        if !source.tokenTypes.isEmpty, source.tokenTypes.count != count {
            throw .inconsistentVocabulary(
                source: ggufName,
                reason: "tokenizer.ggml.token_type has \(source.tokenTypes.count) entries for \(count) tokens")
        }
        let named = [
            ("bos", source.bos), ("eos", source.eos), ("unknown", source.unknown), ("padding", source.padding),
            ("seperator", source.separator),
        ]
        for case (let name, let id?) in named where id < 0 || Int(id) >= count {
            throw .invalidField(
                source: ggufName, field: "tokenizer.ggml.\(name)_token_id", given: "\(id)",
                allowed: "0 to \(count - 1)")
        }
        var vocabulary = TokenVocabulary()
        for (id, token) in source.tokens.enumerated() where !vocabulary.set(id, token.utf8) {
            throw .inconsistentVocabulary(source: ggufName, reason: "the vocabulary is larger than 2 GiB")
        }
        vocabulary.finish()
        return vocabulary
    }

    /// Control, unknown and user-defined tokens are found in the text; the first two are special.
    private static func addedTokens(_ source: GGUFTokenizerSource) -> [AddedToken] {
        let name = source.modelName?.lowercased() ?? ""
        let isPhi3 = name.contains("phi-3") || name.contains("phi3")
        return source.tokenTypes.enumerated().compactMap { id, type in
            guard (2...4).contains(type) else { return nil }
            let content = source.tokens[id]
            return AddedToken(
                id: Int32(id), content: content, isSpecial: type != 4,
                stripsRight: isPhi3 && !["<unk>", "<s>", "<|endoftext|>"].contains(content))
        }
    }

    private static func frame(_ start: Int32?, _ end: Int32?) -> PostProcessor {
        var frame = PostProcessor()
        let head = start.map { [PostProcessor.Element.token($0, type: 0)] } ?? []
        let tail = end.map { [PostProcessor.Element.token($0, type: 0)] } ?? []
        frame.single = head + [.first(type: 0)] + tail
        frame.pair = frame.single + head + [.second(type: 0)] + tail
        return frame
    }

    private static func required(_ id: Int32?, _ name: String, when wanted: Bool) throws(TokenizerError) -> Int32? {
        if !wanted { return nil }
        guard let id else {
            throw .invalidField(
                source: ggufName, field: "tokenizer.ggml.\(name)_token_id", given: "missing",
                allowed: "a token id, as the tokenizer adds it to texts")
        }
        return id
    }

    private init(byteLevel source: GGUFTokenizerSource, _ vocabulary: TokenVocabulary) throws(TokenizerError) {
        guard let pre = source.pre, let kind = GGUFPreTokenizer.known[pre] else {
            throw .unknownGGUFKind(
                key: "tokenizer.ggml.pre", given: source.pre, known: GGUFPreTokenizer.known.keys.sorted())
        }
        var merges = MergeList()
        for (index, line) in source.merges.enumerated() where !merges.append(line: Array(line.utf8)[...]) {
            throw .invalidField(
                source: Self.ggufName, field: "tokenizer.ggml.merges[\(index)]", given: "\"\(line)\"",
                allowed: "\"left right\"")
        }
        let model = try BytePairModel(
            tokens: vocabulary, merges: merges,
            .init(isByteLevel: true, ignoresMerges: kind.ignoresMerges, requiresMergeTokens: false),
            source: Self.ggufName)
        self.init(
            vocabulary: vocabulary, addedTokens: Self.addedTokens(source), normalizers: [],
            preTokenizers: try kind.preTokenizers(), model: .bytePair(model),
            postProcessor: Self.frame(
                try Self.required(source.bos, "bos", when: source.addsBOS ?? kind.addsBOS),
                try Self.required(source.eos, "eos", when: source.addsEOS ?? false)),
            decoders: [.byteLevel])
    }

    private init(sentencePiece source: GGUFTokenizerSource, _ vocabulary: TokenVocabulary) throws(TokenizerError) {
        guard source.scores.count == source.tokens.count else {
            throw .inconsistentVocabulary(
                source: Self.ggufName,
                reason: "tokenizer.ggml.scores has \(source.scores.count) entries for \(source.tokens.count) tokens")
        }
        // Damaged scores must not upset the order of merges.
        if let bad = source.scores.firstIndex(where: \.isNaN) {
            throw .inconsistentVocabulary(
                source: Self.ggufName, reason: "tokenizer.ggml.scores[\(bad)] is not a number")
        }
        let fallback = (0...255).map { byte -> Int32 in
            vocabulary.id(ByteAlphabet.fallbackToken(UInt8(byte))) ?? vocabulary.id(CollectionOfOne(UInt8(byte))) ?? -1
        }
        let unknown = source.unknown ?? source.tokenTypes.firstIndex(of: 2).map { Int32($0) }
        let marker = Array("▁".utf8)
        let prefixed = source.addsSpacePrefix ?? true
        self.init(
            vocabulary: vocabulary, addedTokens: Self.addedTokens(source),
            normalizers: (prefixed ? [.prepend([0x20])] : []) + [.replace(.literal([0x20]), with: marker)],
            preTokenizers: [],
            model: .scoreMerge(
                ScoreMergeModel(vocabulary: vocabulary, scores: source.scores, fallback: fallback, unknown: unknown)),
            postProcessor: Self.frame(
                try Self.required(source.bos, "bos", when: source.addsBOS ?? true),
                try Self.required(source.eos, "eos", when: source.addsEOS ?? false)),
            decoders: [.replace(marker, with: [0x20]), .byteFallback, .fuse]
                + (prefixed ? [.strip([0x20], start: 1, stop: 0)] : []))
        self.unknown = unknown
    }

    /// BERT vocabularies in GGUF mark the tokens that begin a word with `▁`; the others continue one.
    private init(wordPiece source: GGUFTokenizerSource, _ vocabulary: TokenVocabulary) throws(TokenizerError) {
        guard let unknown = source.unknown ?? vocabulary.id("[UNK]".utf8) else {
            throw .invalidField(
                source: Self.ggufName, field: "tokenizer.ggml.unknown_token_id", given: "missing", allowed: "a token id"
            )
        }
        let lowercases = source.lowercases ?? true
        let start = source.bos ?? vocabulary.id("[CLS]".utf8)
        let end = source.separator ?? vocabulary.id("[SEP]".utf8)
        self.init(
            vocabulary: vocabulary, addedTokens: Self.addedTokens(source),
            normalizers: [
                .bert(
                    BertNormalization(
                        cleansText: true, separatesChinese: true, stripsAccents: source.stripsAccents ?? lowercases,
                        lowercases: lowercases, keepsBaseOnly: true))
            ],
            preTokenizers: [.bert],
            model: .wordPiece(
                WordPieceModel(
                    vocabulary, initialPrefix: "▁", continuingPrefix: "", unknown: unknown, longestWord: .max)),
            postProcessor: Self.frame(start, end),
            decoders: [.fuse, .replace(Array("▁".utf8), with: [0x20]), .strip([0x20], start: 1, stop: 0)])
        self.unknown = unknown
    }
}
