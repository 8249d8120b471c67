import Checkpoints
import Tokenizers

extension Model {
    /// The tokenizer with its chat template, read at the first call; nil if the model comes without one, or with one
    /// that can not be used: ``requiredTokenizer()`` says why.
    public var tokenizer: Tokenizer? { try? requiredTokenizer() }

    /// The tokenizer with its chat template, read at the first call.
    /// - Throws: `TokenizerError`, or `CheckpointError` for damaged GGUF metadata.
    public func requiredTokenizer() throws -> Tokenizer {
        try loadedTokenizer.withLock { loaded in
            let result = loaded ?? Result { try readTokenizer() }
            loaded = result
            return try result.get()
        }
    }

    private func readTokenizer() throws -> Tokenizer {
        switch location {
        case .folder(let folder): return try Tokenizer(folder: folder)
        case .memory(let name): throw TokenizerError.noTokenizer(folder: name, looked: [])
        case .gguf(let file):
            guard let gguf = weights.checkpoint.gguf, let source = try GGUFTokenizerSource(gguf) else {
                throw TokenizerError.noTokenizer(folder: file.path, looked: ["tokenizer.ggml.model"])
            }
            return try Tokenizer(gguf: source)
        }
    }
}

extension GGUFTokenizerSource {
    /// The tokenizer metadata of a file; nil if it has none.
    init?(_ file: GGUFFile) throws(CheckpointError) {
        func name(_ key: String) -> String { "tokenizer.ggml.\(key)" }
        guard file.has(name("model")) else { return nil }
        self.init(
            model: try file.string(name("model")), pre: file.metadata[name("pre")]?.string,
            tokens: try file.strings(name("tokens")),
            scores: file.has(name("scores")) ? try file.floats(name("scores")) : [],
            merges: file.has(name("merges")) ? try file.strings(name("merges")) : [],
            tokenTypes: file.has(name("token_type"))
                ? try file.integers(name("token_type")).map { Int32(clamping: $0) } : [])
        func identifier(_ key: String) -> Int32? { file.metadata[name(key)]?.integer.map { Int32(clamping: $0) } }
        func flag(_ key: String) -> Bool? { file.metadata[name(key)]?.boolean }
        (bos, eos, unknown) = (identifier("bos_token_id"), identifier("eos_token_id"), identifier("unknown_token_id"))
        (padding, separator) = (identifier("padding_token_id"), identifier("seperator_token_id"))
        (addsBOS, addsEOS) = (flag("add_bos_token"), flag("add_eos_token"))
        addsSpacePrefix = flag("add_space_prefix")
        (lowercases, stripsAccents) = (flag("normalizer.lowercase"), flag("normalizer.strip_accents"))
        chatTemplate = file.metadata["tokenizer.chat_template"]?.string
    }
}
