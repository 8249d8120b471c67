import Checkpoints
import Diagnostics

extension ModelConfiguration {
    /// The configuration in a GGUF file's metadata, under Hugging Face's keys.
    ///
    /// Metadata of the architecture that has no counterpart is kept under its own key, so that a family refuses it.
    /// - Throws: ``ModelError/unknownArchitecture(given:file:known:nearest:)``,
    ///   ``ModelError/configuration(file:_:)`` and ``ModelError/unreadable(path:reason:)``.
    init(gguf file: GGUFFile) throws(ModelError) {
        let source = file.path
        guard let architecture = file.metadata["general.architecture"]?.string else {
            throw .configuration(
                file: source,
                [
                    ConfigurationProblem(
                        key: "general.architecture", given: file.metadata["general.architecture"]?.description,
                        allowed: "the name of an architecture is needed")
                ])
        }
        guard let names = ggufKeys[architecture] else {
            throw .unknownArchitecture(
                given: architecture, file: source, known: ggufKeys.keys.sorted(),
                nearest: nearestName(to: architecture, among: ggufKeys.keys.sorted()))
        }
        if let count = file.metadata["split.count"]?.integer, count > 1 {
            throw .notAModel(
                path: source, reason: "it is one of \(count) parts; join them first (llama-gguf-split --merge)")
        }
        self.init(["model_type": .text(architecture)], source: source)
        spellings["model_type"] = "general.architecture"
        for (key, value) in file.metadata where key.hasPrefix("\(architecture).") {
            let name = String(key.dropFirst(architecture.count + 1))
            if harmlessGGUFKeys.contains(name) || (zeroGGUFKeys.contains(name) && value.integer == 0) { continue }
            let known = names[name] ?? key
            values[known] = ConfigurationValue(value)
            spellings[known] = key
        }
        addRotaryScaling(file, architecture)
        addWhatTensorsTell(file, architecture)
    }

    /// Metadata `rope.scaling.*` and the tensor `rope_freqs.weight` as `rope_scaling`.
    private mutating func addRotaryScaling(_ file: GGUFFile, _ architecture: String) {
        var members: [String: ConfigurationValue] = [:]
        for (name, member) in ggufScalingKeys {
            let key = "\(architecture).rope.scaling.\(name)"
            guard let value = values.removeValue(forKey: key) else { continue }
            spellings["rope_scaling.\(member)"] = key
            members[member] = value == .text("none") ? .text("default") : value
        }
        if let factor = values.removeValue(forKey: "\(architecture).rope.scale_linear"), members.isEmpty {
            spellings["rope_scaling.factor"] = "\(architecture).rope.scale_linear"
            members = ["rope_type": .text("linear"), "factor": factor]
        }
        if members["rope_type"] == .text("default") { members = [:] }
        if let divisors = file["rope_freqs.weight"], !divisors.type.isInteger, divisors.elementCount <= 65_536 {
            let numbers = divisors.floats().map { ConfigurationValue.number(Double($0)) }
            spellings["rope_scaling.divisors"] = "rope_freqs.weight"
            spellings["rope_scaling.rope_type"] = spellings["rope_scaling.rope_type"] ?? "rope_freqs.weight"
            members["rope_type"] = members["rope_type"] ?? .text("gguf_divisors")
            members["divisors"] = .list(numbers)
        }
        if !members.isEmpty { values["rope_scaling"] = .object(members) }
    }

    /// What Hugging Face writes into a configuration and GGUF leaves to the tensors.
    private mutating func addWhatTensorsTell(_ file: GGUFFile, _ architecture: String) {
        values["tie_word_embeddings"] = .flag(file["output.weight"] == nil)
        if values["vocab_size"] == nil, let table = file["token_embd.weight"] {
            values["vocab_size"] = .integer(table.rowCount)
            spellings["vocab_size"] = "token_embd.weight"
        }
        if architecture == "llama" {
            values["attention_bias"] = .flag(file["blk.0.attn_q.bias"] != nil)
            values["attention_output_bias"] = .flag(file["blk.0.attn_output.bias"] != nil)
            values["mlp_bias"] = .flag(file["blk.0.ffn_down.bias"] != nil)
        }
        // Hugging Face has one size for all of these.
        if architecture != "gpt2" {
            for name in ["attention.value_length", "rope.dimension_count"] {
                let key = "\(architecture).\(name)"
                guard let value = values[key], value.integer == headSize else { continue }
                values[key] = nil
            }
        }
    }

    private var headSize: Int? {
        if let size = values["head_dim"]?.integer { return size }
        guard let hidden = values["hidden_size"]?.integer, let heads = values["num_attention_heads"]?.integer, heads > 0
        else { return nil }
        return hidden / heads
    }
}

extension ConfigurationValue {
    /// A value of GGUF metadata; arrays of numbers as lists, other arrays in short.
    init(_ value: GGUFValue) {
        switch value {
        case .bool(let flag): self = .flag(flag)
        case .string(let text): self = .text(text)
        case .float32(let number): self = .number(Double(number))
        case .float64(let number): self = .number(number)
        case .array(let array):
            let numbers = array.count <= 4096 ? (try? array.integers()) ?? [] : []
            self = numbers.count == array.count ? .list(numbers.map { .integer($0) }) : .text("\(value)")
        default: self = value.integer.map { .integer($0) } ?? .text("\(value)")
        }
    }
}

/// For each architecture, Hugging Face's key for each GGUF key, without the architecture's prefix.
private let ggufKeys: [String: [String: String]] = {
    let llama = [
        "block_count": "num_hidden_layers", "context_length": "max_position_embeddings",
        "embedding_length": "hidden_size", "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads", "attention.head_count_kv": "num_key_value_heads",
        "attention.layer_norm_rms_epsilon": "rms_norm_eps", "attention.key_length": "head_dim",
        "rope.freq_base": "rope_theta", "vocab_size": "vocab_size",
    ]
    return [
        "llama": llama, "qwen2": llama,
        "gpt2": [
            "block_count": "n_layer", "context_length": "n_positions", "embedding_length": "n_embd",
            "feed_forward_length": "n_inner", "attention.head_count": "n_head",
            "attention.layer_norm_epsilon": "layer_norm_epsilon", "vocab_size": "vocab_size",
        ],
    ]
}()

/// GGUF's keys of `rope.scaling` and Hugging Face's keys of `rope_scaling`.
private let ggufScalingKeys: KeyValuePairs = [
    "type": "rope_type", "factor": "factor", "original_context_length": "original_max_position_embeddings",
]

/// Keys that do not change the computation.
private let harmlessGGUFKeys: Set = [
    "rope.scaling.finetuned", "tensor_data_layout", "attention.head_count_kv_original",
]

/// Keys that do not change the computation while they are 0.
private let zeroGGUFKeys: Set = ["expert_count", "expert_used_count"]
