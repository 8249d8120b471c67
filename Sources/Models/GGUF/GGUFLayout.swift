/// Names and arrangement of the tensors of a GGUF file.
///
/// Names: github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Standardized tensor names". Files of the `llama`
/// architecture hold query and key rows interleaved within each head, those of `gpt2` its projections transposed.
struct GGUFLayout: Hashable, Sendable {
    let architecture: String
    let heads: Int
    let keyHeads: Int

    /// The file's name of a tensor; nil if GGUF has none.
    func name(of tensor: String) -> String? {
        let parts = tensor.split(separator: ".").map(String.init)
        guard let kind = parts.last else { return nil }
        let module = parts.dropLast()
        if let name = Self.topNames[module.joined(separator: ".")] { return "\(name).\(kind)" }
        // model.layers.N.… or transformer.h.N.…
        guard let place = module.firstIndex(where: { Int($0) != nil }),
            let name = Self.blockNames[module[(place + 1)...].joined(separator: ".")]
        else { return nil }
        return "blk.\(module[place]).\(name).\(kind)"
    }

    func arrangement(of tensor: String) -> TensorArrangement {
        switch architecture {
        case "llama" where tensor.contains(".self_attn.q_proj."): .interleavedHeads(count: heads)
        case "llama" where tensor.contains(".self_attn.k_proj."): .interleavedHeads(count: keyHeads)
        case "gpt2" where tensor.contains(".c_") && tensor.hasSuffix(".weight"): .transposed
        default: .same
        }
    }

    private static let topNames = [
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm",
    ]

    private static let blockNames = [
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
        "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    ]
}
