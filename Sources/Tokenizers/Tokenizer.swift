import Synchronization

/// Turns text into token ids and back, exactly as the model's own tokenizer does.
///
///     let tokenizer = try Tokenizer(folder: URL(filePath: "SmolLM2-135M-Instruct"))
///     let ids = tokenizer.encode("Hello world")
///     let text = tokenizer.decode(ids)
///
/// A value that may be used from several threads at once.
public struct Tokenizer: Sendable {
    /// The token that begins a text, if the model has one.
    public internal(set) var bos: Int32?
    /// The token that ends a text or an answer.
    public internal(set) var eos: Int32?
    /// The token that fills up short sequences.
    public internal(set) var pad: Int32?
    /// The token for what the vocabulary cannot express.
    public internal(set) var unknown: Int32?
    /// How a conversation becomes text, if the tokenizer's files say so.
    public internal(set) var chatTemplate: ChatTemplate?
    /// The longest input that the model's tokenizer was set up for; nothing is cut off here.
    public internal(set) var maximumLength: Int?

    let vocabulary: TokenVocabulary
    let added: AddedTokens
    let addedStrings: [Int32: String]
    let normalizers: [Normalizer]
    let preTokenizers: [PreTokenizer]
    let model: TokenModel
    let postProcessor: PostProcessor
    let decoders: [TokenDecoder]
    let cache = CachePool()

    /// A tokenizer from its parts.
    init(
        vocabulary: TokenVocabulary, addedTokens: [AddedToken], normalizers: [Normalizer],
        preTokenizers: [PreTokenizer], model: TokenModel, postProcessor: PostProcessor, decoders: [TokenDecoder]
    ) {
        self.vocabulary = vocabulary
        self.normalizers = normalizers
        self.preTokenizers = preTokenizers
        self.model = model
        self.postProcessor = postProcessor
        self.decoders = decoders
        added = AddedTokens(addedTokens, normalizers: normalizers)
        addedStrings = Dictionary(addedTokens.map { ($0.id, $0.content) }) { $1 }
    }

    /// One more than the largest token id, added tokens included.
    public var vocabularySize: Int {
        max(vocabulary.count, addedStrings.keys.max().map { Int($0) + 1 } ?? 0)
    }

    /// The string of a token as the vocabulary writes it (`Ġworld`, `▁world`, `##ing`), nil for an id without one.
    public func token(for id: Int32) -> String? {
        addedStrings[id] ?? vocabulary.token(Int(id)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The id of a token string as the vocabulary writes it, nil when there is none.
    public func id(for token: String) -> Int32? {
        added.tokens.last { $0.content == token }?.id ?? vocabulary.id(token.utf8)
    }

    /// Whether decoding leaves the token out unless told otherwise.
    public func isSpecial(_ id: Int32) -> Bool { added.isSpecial(id) }
}

/// A word cache that one encoding at a time borrows.
final class CachePool: Sendable {
    private let free = Mutex<WordCache?>(nil)
    /// Texts shorter than this are not worth a new cache.
    private static let worthwhile = 1 << 14

    /// The cache, or a new one for a long text, while it is lent.
    func borrow(for length: Int) -> WordCache? {
        let cache = free.withLock { cache in
            defer { cache = nil }
            return cache
        }
        return cache ?? (length >= Self.worthwhile ? WordCache() : nil)
    }

    func giveBack(_ cache: WordCache?) {
        guard let cache else { return }
        free.withLock { $0 = cache }
    }
}
