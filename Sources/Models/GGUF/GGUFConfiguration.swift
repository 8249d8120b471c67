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
        guard let known = GGUFArchitecture.known[architecture] else {
            let names = GGUFArchitecture.known.keys.sorted()
            throw .unknownArchitecture(
                given: architecture, file: source, known: names, nearest: nearestName(to: architecture, among: names))
        }
        if let count = file.metadata["split.count"]?.integer, count > 1 {
            throw .notAModel(
                path: source, reason: "it is one of \(count) parts; join them first (llama-gguf-split --merge)")
        }
        self.init(["model_type": .text(known.modelType)], source: source)
        spellings["model_type"] = "general.architecture"
        for (key, value) in file.metadata where key.hasPrefix("\(architecture).") {
            let name = String(key.dropFirst(architecture.count + 1))
            if harmlessGGUFKeys.contains(name) || (zeroGGUFKeys.contains(name) && value.integer == 0) { continue }
            let given = known.keys[name] ?? key
            values[given] = ConfigurationValue(value)
            spellings[given] = key
        }
        addRotaryScaling(file, architecture)
        addLongRotaryScaling(file, architecture)
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

    /// The tensors `rope_factors_….weight` of Phi-3 as `rope_scaling`.
    private mutating func addLongRotaryScaling(_ file: GGUFFile, _ architecture: String) {
        guard architecture == "phi3" else { return }
        // It follows from the two context lengths.
        values["phi3.rope.scaling.attn_factor"] = nil
        var members: [String: ConfigurationValue] = [:]
        for (tensor, member) in [("short", "short_factor"), ("long", "long_factor")] {
            guard let factors = file["rope_factors_\(tensor).weight"], !factors.type.isInteger,
                factors.elementCount <= 65_536
            else { continue }
            members[member] = .list(factors.floats().map { .number(Double($0)) })
            spellings["rope_scaling.\(member)"] = "rope_factors_\(tensor).weight"
        }
        guard !members.isEmpty else { return }
        members["type"] = .text("longrope")
        values["rope_scaling"] = .object(members)
    }

    /// What Hugging Face writes into a configuration and GGUF leaves to the tensors or to the reader.
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
        addWhatReadersKnow(architecture)
        // Hugging Face has one size for all of these.
        if architecture != "gpt2" {
            for name in ["attention.value_length", "rope.dimension_count"] {
                let key = "\(architecture).\(name)"
                guard let value = values[key], value.integer == headSize else { continue }
                values[key] = nil
            }
        }
    }

    /// What llama.cpp knows of an architecture and does not write.
    private mutating func addWhatReadersKnow(_ architecture: String) {
        switch architecture {
        case "gemma2", "gemma3":
            // The largest model of each scales its scores by the width of the model, the others by that of a head.
            let isLargest = values["num_hidden_layers"]?.integer == (architecture == "gemma2" ? 46 : 62)
            guard let hidden = values["hidden_size"]?.integer, let heads = values["num_attention_heads"]?.integer,
                heads > 0, let size = isLargest ? hidden / heads : headSize
            else { return }
            values["query_pre_attn_scalar"] = .integer(size)
        case "gptneox", "phi3":
            let key = "\(architecture).rope.dimension_count"
            guard let rotated = values[key]?.number, let size = headSize, size > 0 else { return }
            let fraction = architecture == "phi3" ? "partial_rotary_factor" : "rotary_pct"
            spellings[fraction] = key
            values[fraction] = .number(rotated / Double(size))
            values[key] = nil
        case "olmo":
            // The norm has this epsilon in all models, and it is no setting of them.
            let key = "olmo.attention.layer_norm_epsilon"
            if let epsilon = values[key]?.number, abs(epsilon - 1e-5) < 1e-9 { values[key] = nil }
        default: break
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
