import Foundation

/// What a checkpoint says about its model: the keys of `config.json`, or a GGUF file's metadata under those keys.
public struct ModelConfiguration: Sendable {
    /// The file it was read from, for messages.
    public var source: String
    /// The value of each key, as Hugging Face spells the keys.
    public var values: [String: ConfigurationValue]
    /// How the file itself spells a key, where that differs (GGUF).
    public var spellings: [String: String]

    /// A configuration from values at hand.
    public init(_ values: [String: ConfigurationValue], source: String, spellings: [String: String] = [:]) {
        self.values = values
        self.source = source
        self.spellings = spellings
    }

    /// Reads a `config.json`.
    /// - Throws: ``ModelError/unreadable(path:reason:)`` if it can not be read or is no JSON object.
    public init(contentsOf file: URL) throws(ModelError) {
        source = file.path
        spellings = [:]
        do {
            values = try JSONDecoder().decode([String: ConfigurationValue].self, from: try Data(contentsOf: file))
        } catch let DecodingError.dataCorrupted(context) {
            let detail = (context.underlyingError as NSError?)?.userInfo["NSDebugDescription"] as? String
            throw .unreadable(path: source, reason: "it is not valid JSON: \(detail ?? context.debugDescription)")
        } catch is DecodingError {
            throw .unreadable(path: source, reason: "it is not a JSON object")
        } catch {
            throw .unreadable(path: source, reason: error.localizedDescription)
        }
    }

    /// The family's name, such as `llama`.
    public var modelType: String? { values["model_type"]?.text }
    /// The class that the checkpoint was saved from, such as `LlamaForCausalLM`.
    public var architecture: String? { values["architectures"]?.list?.first?.text }

    /// The same without the head that scores tokens, if it has one: sentence encoders are often published as the class that
    /// they were trained from, without its head.
    var withoutMaskedHead: ModelConfiguration {
        var bare = self
        if let name = architecture, name.hasSuffix("ForMaskedLM") {
            bare.values["architectures"] = .list([.text(name.dropLast("ForMaskedLM".count) + "Model")])
        }
        return bare
    }
}
