/// Names and arrangement of the tensors of a GGUF file.
///
/// Names: github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Standardized tensor names". Files of Llama and OLMo hold
/// query and key rows interleaved within each head, those of GPT-2 its projections transposed, those of GPT-NeoX the
/// queries of all heads before the keys and values, and those of Gemma norm weights with 1 added.
struct GGUFLayout: Hashable, Sendable {
    /// The family's `model_type`.
    let modelType: String
    let heads: Int
    let keyHeads: Int

    /// The file's name of a tensor; nil if GGUF has none.
    func name(of tensor: String) -> String? {
        let parts = tensor.split(separator: ".").map(String.init)
        guard let kind = parts.last else { return nil }
        let module = parts.dropLast()
        if let name = Self.topNames[module.joined(separator: ".")] { return "\(name).\(kind)" }
        // model.layers.N.… or transformer.h.N.…
        guard let place = module.firstIndex(where: { Int($0) != nil }) else { return nil }
        if let expert = expert(of: tensor) { return "blk.\(module[place]).\(expert.name).\(kind)" }
        let inside = module[(place + 1)...].joined(separator: ".")
        guard let name = (hasPostNorms ? Self.postNormNames[inside] : nil) ?? Self.blockNames[inside] else {
            return nil
        }
        return "blk.\(module[place]).\(name).\(kind)"
    }

    /// For a tensor of an expert, the tensor that holds those of all experts one after another, and which it is.
    func expert(of tensor: String) -> (name: String, index: Int)? {
        // model.layers.N.mlp.experts.E.gate_proj.weight
        let parts = tensor.split(separator: ".")
        guard let place = parts.firstIndex(of: "experts"), place + 2 < parts.count, let index = Int(parts[place + 1]),
            let name = ["gate_proj": "ffn_gate_exps", "up_proj": "ffn_up_exps", "down_proj": "ffn_down_exps"][
                String(parts[place + 2])]
        else { return nil }
        return (name, index)
    }

    func arrangement(of tensor: String) -> TensorArrangement {
        switch modelType {
        case "llama" where tensor.contains(".self_attn.q_proj."), "olmo" where tensor.contains(".self_attn.q_proj."):
            .interleavedHeads(count: heads)
        case "llama" where tensor.contains(".self_attn.k_proj."), "olmo" where tensor.contains(".self_attn.k_proj."):
            .interleavedHeads(count: keyHeads)
        case "gpt2" where tensor.contains(".c_") && tensor.hasSuffix(".weight"): .transposed
        case "gpt_neox" where tensor.contains(".query_key_value."): .partsOfHeads(3, heads: heads)
        case "gemma" where tensor.hasSuffix("norm.weight"), "gemma2" where tensor.hasSuffix("norm.weight"),
            "gemma3_text" where tensor.hasSuffix("norm.weight"):
            .plusOne
        default: .same
        }
    }

    /// Whether norms follow attention and MLP.
    private var hasPostNorms: Bool { ["gemma2", "gemma3_text", "olmo2"].contains(modelType) }

    private static let topNames = [
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm",
        "gpt_neox.embed_in": "token_embd", "gpt_neox.final_layer_norm": "output_norm", "embed_out": "output",
    ]

    private static let blockNames = [
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "mlp.gate": "ffn_gate_inp", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
        // Phi-3
        "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
        // GPT-2
        "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
        "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
        // GPT-NeoX
        "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up",
        "mlp.dense_4h_to_h": "ffn_down",
    ]

    private static let postNormNames = [
        "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    ]
}
