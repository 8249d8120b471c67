import JSON

extension Tokenizer {
    /// A tokenizer from the bytes of a tokenizer.json. `file` is named in errors.
    public init(json bytes: [UInt8], file: String = "tokenizer.json") throws(TokenizerError) {
        let document = try TokenizerDocument.parse(bytes, file: file)
        let reader = ComponentReader(file: file)
        let steps = try reader.preTokenizers(document["pre_tokenizer"])
        let isByteLevel = if case .byteLevel? = steps.last { true } else { false }
        let unknownName = document.modelField("unk_token").string
        let unknownID = unknownName.flatMap { document.vocabulary.id($0.utf8) }
        let model = try Self.model(document, reader, isByteLevel: isByteLevel, unknown: unknownID)
        self.init(
            vocabulary: document.vocabulary,
            addedTokens: try reader.addedTokens(document["added_tokens"]),
            normalizers: try reader.normalizers(document["normalizer"]),
            preTokenizers: steps,
            model: model,
            postProcessor: try reader.postProcessor(document["post_processor"]),
            decoders: try reader.decoders(document["decoder"]))
        unknown = unknownID
        for case .token(let id, _) in postProcessor.single + postProcessor.pair where token(for: id) == nil {
            throw .inconsistentVocabulary(source: file, reason: "post_processor adds token \(id), which does not exist")
        }
    }

    private static let modelTypes = ["BPE", "WordPiece", "WordLevel"]

    private static func model(
        _ document: TokenizerDocument, _ reader: ComponentReader, isByteLevel: Bool, unknown: Int32?
    ) throws(TokenizerError) -> TokenModel {
        let model = JSONValue.object(document.model)
        // Old files leave the type out; then it is told by the fields.
        let type =
            model["type"]?.string
            ?? (document.merges.count > 0 ? "BPE" : model["max_input_chars_per_word"] == nil ? "" : "WordPiece")
        if document.hasListVocabulary || !modelTypes.contains(type) {
            throw reader.unsupported("model.type", document.hasListVocabulary ? "Unigram" : type, modelTypes)
        }
        if let name = model["unk_token"]?.string, unknown == nil {
            throw .inconsistentVocabulary(
                source: reader.file, reason: "the unknown token \"\(name)\" is not in the vocabulary")
        }
        switch type {
        case "BPE":
            for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
                if let given = model[key]?.string, !given.isEmpty {
                    throw reader.unsupported("model.\(key)", given, ["null"])
                }
            }
            if let dropout = model["dropout"], ![.null, .number(0), .integer(0)].contains(dropout) {
                throw reader.unsupported("model.dropout", dropout.summary, ["null"])
            }
            return .bytePair(
                try BytePairModel(
                    tokens: document.vocabulary, merges: document.merges,
                    .init(
                        isByteLevel: isByteLevel,
                        hasByteFallback: try reader.bool(model, "byte_fallback", "model", default: false),
                        unknown: unknown,
                        fusesUnknown: try reader.bool(model, "fuse_unk", "model", default: false),
                        ignoresMerges: try reader.bool(model, "ignore_merges", "model", default: false)),
                    source: reader.file))
        default:
            if isByteLevel {
                throw reader.unsupported("pre_tokenizer for a \(type) model", "ByteLevel", ["BertPreTokenizer"])
            }
            guard let unknown else {
                throw .invalidField(
                    source: reader.file, field: "model.unk_token", given: "missing",
                    allowed: "a token of the vocabulary")
            }
            if type == "WordLevel" { return .wordLevel(document.vocabulary, unknown: unknown) }
            return .wordPiece(
                WordPieceModel(
                    document.vocabulary, initialPrefix: "",
                    continuingPrefix: try reader.string(model, "continuing_subword_prefix", "model"), unknown: unknown,
                    longestWord: try reader.integer(model, "max_input_chars_per_word", "model", default: 100)))
        }
    }
}
