import Graph
import Models

/// Configuration keys that give projections a bias, for families whose usual models have none.
enum BiasKeys {
    /// The key, and the modules that have a bias under it.
    struct Entry {
        var key: String
        var modules: [String]
    }

    private static let known: [String: [Entry]] = [
        "llama": [
            Entry(key: "attention_bias", modules: ["q_proj", "k_proj", "v_proj", "o_proj"]),
            Entry(key: "mlp_bias", modules: ["gate_proj", "up_proj", "down_proj"]),
        ]
    ]

    /// The key that gives a weight's module a bias.
    static func entry(for weight: String, of model: Model) -> Entry? {
        let module = weight.split(separator: ".").dropLast().last.map(String.init) ?? ""
        return known[model.configuration.modelType ?? ""]?.first { $0.modules.contains(module) }
    }

    /// The keys that a model's configuration has as true.
    static func enabled(in model: Model) -> [String] {
        (known[model.configuration.modelType ?? ""] ?? []).map(\.key).filter {
            model.configuration.values[$0] == .flag(true)
        }
    }

    /// The weights of all modules that get a bias with a key.
    static func weights(of entry: Entry, in graph: ComputationGraph) -> [String] {
        graph.nodes.compactMap { node in
            guard case .weight(let name) = node.operation,
                entry.modules.contains(where: { name.hasSuffix(".\($0).weight") })
            else { return nil }
            return name
        }
    }
}
