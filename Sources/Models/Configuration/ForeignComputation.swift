extension ConfigurationReader {
    /// Refuses what would make any family compute something else.
    mutating func refuseForeignComputation(isEncoderDecoder: Bool = false) {
        requireNone(
            "quantization_config", because: "quantised Hugging Face checkpoints are not supported; use a GGUF file")
        requireNone("auto_map", because: "the model is defined by code of its own, which is not run")
        require("is_decoder", .flag(false))
        require("is_encoder_decoder", .flag(isEncoderDecoder))
        require("add_cross_attention", .flag(false))
        require("cross_attention_hidden_size", .null)
        require("tie_encoder_decoder", .flag(false))
        require("pruned_heads", .object([:]), because: "models with heads removed are not supported")
    }

    /// Refuses a checkpoint that was saved from another class than `allowed`, such as another head.
    mutating func requireArchitecture(_ allowed: String?...) {
        let names = allowed.compactMap { $0 }
        guard let given = value("architectures")?.list?.first?.text, !names.contains(given) else { return }
        refuse("architectures", allowed: "supported are \(names.joined(separator: ", "))")
    }
}
