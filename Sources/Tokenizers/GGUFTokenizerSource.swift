/// The tokenizer metadata of a GGUF file, as plain values. The comment of each field is its key.
public struct GGUFTokenizerSource: Sendable {
    /// `tokenizer.ggml.model`: `gpt2` (byte-level BPE), `llama` (SentencePiece BPE) or `bert` (WordPiece).
    public var model: String
    /// `tokenizer.ggml.pre`: how text is split before byte-pair merging.
    public var pre: String?
    /// `tokenizer.ggml.tokens`
    public var tokens: [String]
    /// `tokenizer.ggml.scores`, for `llama`.
    public var scores: [Float]
    /// `tokenizer.ggml.merges`, for `gpt2`: `left right` in order of rank.
    public var merges: [String]
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    public var tokenTypes: [Int32]
    /// `tokenizer.ggml.bos_token_id`
    public var bos: Int32?
    /// `tokenizer.ggml.eos_token_id`
    public var eos: Int32?
    /// `tokenizer.ggml.unknown_token_id`
    public var unknown: Int32?
    /// `tokenizer.ggml.padding_token_id`
    public var padding: Int32?
    /// `tokenizer.ggml.seperator_token_id` (spelled like this in the format)
    public var separator: Int32?
    /// `tokenizer.ggml.add_bos_token`
    public var addsBOS: Bool?
    /// `tokenizer.ggml.add_eos_token`
    public var addsEOS: Bool?
    /// `tokenizer.ggml.add_space_prefix`
    public var addsSpacePrefix: Bool?
    /// `tokenizer.ggml.normalizer.lowercase`, for `bert`.
    public var lowercases: Bool?
    /// `tokenizer.ggml.normalizer.strip_accents`, for `bert`.
    public var stripsAccents: Bool?
    /// `general.name`: Phi-3's special tokens take the white space after them along, which only the name tells.
    public var modelName: String?
    /// `tokenizer.chat_template`
    public var chatTemplate: String?

    /// A source with a vocabulary; the optional fields are set afterwards.
    public init(
        model: String, pre: String? = nil, tokens: [String], scores: [Float] = [], merges: [String] = [],
        tokenTypes: [Int32] = []
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.scores = scores
        self.merges = merges
        self.tokenTypes = tokenTypes
    }
}
