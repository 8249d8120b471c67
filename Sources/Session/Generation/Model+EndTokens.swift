import Models

extension Model {
    /// The tokens that end an answer: the tokenizer's, and those that the configuration names.
    var endTokens: Set<Int32> {
        var tokens: Set<Int32> = []
        if let end = tokenizer?.eos { tokens.insert(end) }
        if let value = configuration.values["eos_token_id"] {
            for number in value.list?.compactMap(\.integer) ?? [value.integer].compactMap({ $0 }) {
                if let token = Int32(exactly: number) { tokens.insert(token) }
            }
        }
        return tokens
    }
}
