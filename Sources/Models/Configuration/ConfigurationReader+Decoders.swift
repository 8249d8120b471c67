extension ConfigurationReader {
    /// The extents of a decoder, under the keys that most families share.
    /// - Parameters:
    ///   - headSize: The size of a head where `head_dim` is absent; nil: what makes the heads fill the width.
    ///   - needsKeyHeads: Whether `num_key_value_heads` must be given, because its default is not the number of heads.
    mutating func decoderSizes(headSize standard: Int? = nil, needsKeyHeads: Bool = false) -> ModelSizes {
        let hidden = integer("hidden_size")
        let layers = integer("num_hidden_layers", in: 1...4096)
        let heads = integer("num_attention_heads", in: 1...65_536)
        let keyHeads = integer("num_key_value_heads", default: needsKeyHeads ? nil : heads, in: 1...65_536)
        if isSound("num_attention_heads", "num_key_value_heads"), heads % keyHeads != 0 {
            refuse("num_key_value_heads", allowed: "\"num_attention_heads\", \(heads), must be a multiple of it")
        }
        let headSize = integer(
            "head_dim", default: standard ?? min(max(hidden / heads, 1), 65_536), in: 2...65_536)
        let isFree = headSize * heads == hidden || standard != nil || value("head_dim") != nil
        if isSound("hidden_size", "num_attention_heads", "head_dim"), headSize % 2 != 0 || !isFree {
            refuse("head_dim", allowed: "\(hidden) columns in \(heads) heads need an even size of a head")
        }
        return ModelSizes(
            layers: layers, hidden: hidden, intermediate: integer("intermediate_size"), heads: heads,
            keyHeads: keyHeads, headSize: headSize, vocabulary: integer("vocab_size"),
            context: integer("max_position_embeddings", default: 2048, in: 1...(1 << 30)))
    }

    /// Whether each layer's attention has the sliding window, from `layer_types`; nil where that is absent.
    mutating func slidingLayers(_ layers: Int) -> [Bool]? {
        guard let types = value("layer_types") else { return nil }
        let names = types.list?.map(\.text) ?? []
        if names.count != layers || !names.allSatisfy({ $0 == "full_attention" || $0 == "sliding_attention" }) {
            refuse("layer_types", allowed: "\(layers) times \"full_attention\" or \"sliding_attention\" are needed")
        }
        return (0..<layers).map { names.indices.contains($0) && names[$0] == "sliding_attention" }
    }

    /// How far back a layer with a sliding window sees.
    mutating func slidingWindow(default standard: Int) -> Int {
        value("sliding_window") == nil ? standard : integer("sliding_window", in: 1...(1 << 30))
    }

    /// How many columns of a head are rotated, from the fraction of them; an even number.
    mutating func rotatedColumns(_ key: String, of headSize: Int, default standard: Double) -> Int {
        let columns = Int(Double(headSize) * min(number(key, default: standard), 2))
        guard columns % 2 == 0, (2...max(headSize, 2)).contains(columns) else {
            refuse(key, allowed: "a fraction of \(headSize) columns that is an even number of them is needed")
            return headSize
        }
        return columns
    }

    /// Divisors of rotary frequencies, one for each pair of columns.
    mutating func divisors(_ key: String, pairs: Int) -> [Double] {
        let divisors = value(key)?.list?.compactMap(\.number) ?? []
        if divisors.count != pairs || divisors.contains(where: { $0 <= 0 }) {
            refuse(key, allowed: "\(pairs) numbers above 0 are needed, one for each pair of a head")
        }
        return divisors
    }
}
