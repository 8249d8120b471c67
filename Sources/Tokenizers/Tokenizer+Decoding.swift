extension Tokenizer {
    /// The text of token ids. Ids without a token are left out; bytes that are not UTF-8 become U+FFFD.
    /// - Parameter skipSpecialTokens: whether special tokens are left out.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
        var tokens: [[UInt8]] = []
        tokens.reserveCapacity(ids.count)
        for id in ids where !(skipSpecialTokens && added.isSpecial(id)) {
            if let content = addedStrings[id] {
                tokens.append(Array(content.utf8))
            } else if let token = vocabulary.token(Int(id)) {
                tokens.append(Array(token))
            }
        }
        if decoders.isEmpty { return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self) }
        for decoder in decoders { tokens = decoder.apply(tokens) }
        return String(decoding: Array(tokens.joined()), as: UTF8.self)
    }

    /// A decoder for tokens that arrive one by one.
    public func streamingDecoder(skipSpecialTokens: Bool = true) -> StreamingDecoder {
        StreamingDecoder(self, skipSpecialTokens: skipSpecialTokens)
    }
}

/// Decodes tokens one at a time and holds back what is not yet complete UTF-8.
///
///     var decoder = tokenizer.streamingDecoder()
///     for id in ids { if let text = decoder.push(id) { print(text, terminator: "") } }
///     if let rest = decoder.finish() { print(rest, terminator: "") }
///
/// The pieces joined are `decode` of all ids.
public struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecialTokens: Bool
    /// Tokens that the next piece is decoded with: those of the piece before it, for what depends on neighbours, then new ones.
    private var window: [Int32] = []
    private var newStart = 0
    private var emitted = ""

    init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
    }

    /// Takes a token; returns the text that is now certain, nil when there is none yet.
    public mutating func push(_ id: Int32) -> String? {
        window.append(id)
        return advance(isLast: false)
    }

    /// The text still held back, with U+FFFD for what never became complete.
    public mutating func finish() -> String? {
        advance(isLast: true)
    }

    private mutating func advance(isLast: Bool) -> String? {
        let text = tokenizer.decode(window, skipSpecialTokens: skipSpecialTokens)
        // A token may complete a scalar later, so a trailing U+FFFD is not yet certain.
        guard text.utf8.count > emitted.utf8.count, isLast || text.unicodeScalars.last != "\u{FFFD}" else { return nil }
        let piece = String(decoding: text.utf8.dropFirst(emitted.utf8.count), as: UTF8.self)
        window.removeFirst(newStart)
        newStart = window.count
        emitted = tokenizer.decode(window, skipSpecialTokens: skipSpecialTokens)
        return piece
    }
}
