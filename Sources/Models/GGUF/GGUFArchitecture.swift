/// What GGUF calls the sizes and settings of each architecture that is read.
///
/// Keys: llama.cpp's `gguf-py/gguf/constants.py`; what is stored how: its `convert_hf_to_gguf.py`.
struct GGUFArchitecture: Sendable {
    /// The family's `model_type`.
    let modelType: String
    /// Hugging Face's key for each GGUF key, without the architecture's prefix.
    let keys: [String: String]
}

extension GGUFArchitecture {
    /// The architectures that are read, by the name in `general.architecture`.
    static let known: [String: GGUFArchitecture] = [
        "llama": GGUFArchitecture(modelType: "llama", keys: decoder),
        "qwen2": GGUFArchitecture(modelType: "qwen2", keys: decoder),
        "qwen3": GGUFArchitecture(modelType: "qwen3", keys: decoder),
        "gemma": GGUFArchitecture(modelType: "gemma", keys: decoder),
        "gemma2": GGUFArchitecture(modelType: "gemma2", keys: gemma),
        "gemma3": GGUFArchitecture(modelType: "gemma3_text", keys: gemma),
        "olmo2": GGUFArchitecture(modelType: "olmo2", keys: decoder),
        "olmoe": GGUFArchitecture(
            modelType: "olmoe",
            keys: decoder.merging([
                "expert_count": "num_experts", "expert_used_count": "num_experts_per_tok",
            ]) { $1 }),
        "olmo": GGUFArchitecture(
            modelType: "olmo", keys: decoder.merging(["attention.clamp_kqv": "clip_qkv"]) { $1 }),
        "phi3": GGUFArchitecture(
            modelType: "phi3",
            keys: decoder.merging([
                "attention.sliding_window": "sliding_window",
                "rope.scaling.original_context_length": "original_max_position_embeddings",
            ]) { $1 }),
        "gptneox": GGUFArchitecture(
            modelType: "gpt_neox",
            keys: decoder.merging([
                "attention.layer_norm_epsilon": "layer_norm_eps", "use_parallel_residual": "use_parallel_residual",
            ]) { $1 }),
        "gpt2": GGUFArchitecture(
            modelType: "gpt2",
            keys: [
                "block_count": "n_layer", "context_length": "n_positions", "embedding_length": "n_embd",
                "feed_forward_length": "n_inner", "attention.head_count": "n_head",
                "attention.layer_norm_epsilon": "layer_norm_epsilon", "vocab_size": "vocab_size",
            ]),
    ]

    private static let decoder = [
        "block_count": "num_hidden_layers", "context_length": "max_position_embeddings",
        "embedding_length": "hidden_size", "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads", "attention.head_count_kv": "num_key_value_heads",
        "attention.layer_norm_rms_epsilon": "rms_norm_eps", "attention.key_length": "head_dim",
        "rope.freq_base": "rope_theta", "vocab_size": "vocab_size",
    ]

    private static let gemma = decoder.merging([
        "attention.sliding_window": "sliding_window", "attn_logit_softcapping": "attn_logit_softcapping",
        "final_logit_softcapping": "final_logit_softcapping", "rope.freq_base_swa": "rope_local_base_freq",
    ]) { $1 }
}
