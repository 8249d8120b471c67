import Diagnostics

/// The model families that are known, as a value that can be extended.
public struct ArchitectureRegistry: Sendable {
    /// The families in the order in which they are listed.
    public var families: [any ModelArchitecture.Type]

    /// A registry of these families.
    public init(_ families: [any ModelArchitecture.Type]) { self.families = families }

    /// The families of this package.
    public static let standard = ArchitectureRegistry([
        Llama.self, Qwen3.self, Gemma.self, Gemma2.self, Gemma3.self, OLMo.self, OLMo2.self, OLMoE.self, Phi3.self,
        GPT2.self, GPTNeo.self, GPTNeoX.self,
        BERT.self, DistilBERT.self, ELECTRA.self, ESM.self, MPNet.self, T5.self,
    ])

    /// Every known `model_type`.
    public var modelTypes: [String] { families.flatMap { $0.modelTypes } }

    /// Reads a configuration with the family that its `model_type` names.
    /// - Throws: ``ModelError/unknownArchitecture(given:file:known:nearest:)`` and what the family throws.
    public func architecture(for configuration: ModelConfiguration) throws(ModelError) -> any ModelArchitecture {
        guard let type = configuration.modelType else {
            throw .configuration(
                file: configuration.source,
                [
                    ConfigurationProblem(
                        key: configuration.spellings["model_type"] ?? "model_type",
                        given: configuration.values["model_type"]?.description,
                        allowed: "one of \(modelTypes.joined(separator: ", ")) is needed")
                ])
        }
        if let reason = Self.refused[type], !modelTypes.contains(type) {
            throw .configuration(
                file: configuration.source,
                [ConfigurationProblem(key: "model_type", given: "\"\(type)\"", allowed: reason)])
        }
        guard let family = families.first(where: { $0.modelTypes.contains(type) }) else {
            throw .unknownArchitecture(
                given: type, file: configuration.source, known: modelTypes,
                nearest: nearestName(to: type, among: modelTypes))
        }
        return try family.init(configuration: configuration)
    }

    /// Types of which there is more to say than that they are not known.
    private static let refused = [
        "gemma3": "the multimodal Gemma 3 is not supported; its text models are, of type \"gemma3_text\""
    ]

    /// Another registry that knows further families; they come first.
    public static func + (left: ArchitectureRegistry, right: [any ModelArchitecture.Type]) -> ArchitectureRegistry {
        ArchitectureRegistry(right + left.families)
    }
}
