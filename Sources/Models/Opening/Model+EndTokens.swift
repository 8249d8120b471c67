import Foundation

extension Model {
    /// The tokens after which generation stops, as transformers decides: `eos_token_id` of `generation_config.json`, else
    /// of `config.json`, else the tokenizer's end token. GGUF files name the end of the text and the end of a turn.
    public var endTokens: Set<Int32> {
        var tokens: Set<Int32> = []
        switch location {
        case .folder(let folder):
            let settings = try? ModelConfiguration(contentsOf: folder.appendingPathComponent("generation_config.json"))
            tokens = (settings?.values["eos_token_id"] ?? .null).tokens
            if tokens.isEmpty { tokens = (configuration.values["eos_token_id"] ?? .null).tokens }
        case .memory: break
        case .gguf:
            for name in ["eos", "eot"] {
                let value = weights.checkpoint.gguf?.metadata["tokenizer.ggml.\(name)_token_id"]?.integer
                if let token = value.flatMap({ Int32(exactly: $0) }) { tokens.insert(token) }
            }
        }
        if tokens.isEmpty, let token = tokenizer?.eos { tokens = [token] }
        return tokens.filter { $0 >= 0 && Int($0) < sizes.vocabulary }
    }

    /// The token with which a decoder begins that attends to an encoder: `decoder_start_token_id`, else the padding token.
    public var decoderStartToken: Int32 {
        let given =
            configuration.values["decoder_start_token_id"]?.integer ?? configuration.values["pad_token_id"]?.integer
        return given.flatMap { Int32(exactly: $0) } ?? 0
    }
}

extension ConfigurationValue {
    /// One token id, or a list of them.
    fileprivate var tokens: Set<Int32> {
        Set((list ?? [self]).compactMap { $0.integer.flatMap { Int32(exactly: $0) } })
    }
}
