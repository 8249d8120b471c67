import Checkpoints
import Foundation
import Graph

/// What there is to know about a model without reading its weights.
public struct ModelDescription: Hashable, Sendable, Codable {
    /// The repository's name, or that of the folder or file.
    public var name: String
    /// The folder or file.
    public var path: String
    /// The family, such as `llama`.
    public var modelType: String
    /// `causal language model`, `encoder-decoder language model`, `sequence classifier` or `encoder`.
    public var kind: String
    /// The names of the classes of a classifier.
    public var labels: [String]?
    public var sizes: ModelSizes
    /// The number of weights, tied ones counted once.
    public var parameterCount: Int
    /// The number of weights in each storage type.
    public var storage: [String: Int]
    /// The number of tokens the tokenizer knows; nil without a tokenizer.
    public var tokenizerVocabulary: Int?
    public var hasChatTemplate: Bool
    /// The sites, one entry for each component.
    public var sites: [SiteDescription]
    /// The inputs and outputs of modules that are no component's site of that path; nil unless asked for.
    public var modules: [SiteDescription]?
}

/// A component of a model that interventions may read and edit.
public struct SiteDescription: Hashable, Sendable, Codable {
    /// pyvene's name, `mlp_output`.
    public var component: String
    /// The layers that have it; nil if it exists once.
    public var layers: ClosedRange<Int>?
    /// The number of columns.
    public var width: Int
    /// The number of heads side by side in the columns.
    public var heads: Int?
    /// `tokens`, `demanded` or `sequences`: what its rows are.
    public var rows: String
    /// The Hugging Face spelling, `model.layers[%s].mlp.output`; `%s` stands for the layer.
    public var modulePath: String
}

extension Model {
    /// Sizes, storage and sites, for showing; on request also the inputs and outputs of every module with tensors.
    /// - Throws: ``ModelError``.
    public func describe(modules listsModules: Bool = false) throws(ModelError) -> ModelDescription {
        let graph = try graph().graph
        var storage: [String: Int] = [:]
        for tensor in NeededTensor.all(in: graph) {
            guard let stored = weights.stored(tensor.name) else { continue }
            storage["\(stored.type)", default: 0] += stored.elementCount
        }
        var labels: [String]?
        if case .sequenceClassifier(let names) = kind { labels = names }
        let tokenizer = tokenizer
        return ModelDescription(
            name: name, path: location.url.path, modelType: configuration.modelType ?? "",
            kind: architecture.hasEncoder ? "encoder-decoder language model" : "\(kind)",
            labels: labels, sizes: sizes, parameterCount: storage.values.reduce(0, +), storage: storage,
            tokenizerVocabulary: tokenizer?.vocabularySize, hasChatTemplate: tokenizer?.chatTemplate != nil,
            sites: SiteDescription.all(graph.sites),
            modules: listsModules ? SiteDescription.modules(in: graph) : nil)
    }
}

extension ModelKind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .causalLanguageModel: "causal language model"
        case .maskedLanguageModel: "masked language model"
        case .sequenceClassifier: "sequence classifier"
        case .encoder: "encoder"
        }
    }
}

extension SiteDescription {
    /// The inputs and outputs of modules whose paths no component has.
    static func modules(in graph: ComputationGraph) -> [SiteDescription] {
        let known = Set(graph.sites.map(\.modulePath))
        return all(graph.moduleSites.filter { !known.contains($0.modulePath) })
    }

    /// Sites, those of all layers joined, in the order of the first layer.
    static func all(_ sites: [Site]) -> [SiteDescription] {
        var descriptions: [SiteDescription] = []
        var places: [String: Int] = [:]
        for site in sites {
            // With the run where it is not the base run: an encoder has components of the same names.
            let component = "\(SiteID(site.id.component, run: site.id.run))"
            if let place = places[component], let layer = site.id.layer {
                let known = descriptions[place].layers ?? layer...layer
                descriptions[place].layers = min(known.lowerBound, layer)...max(known.upperBound, layer)
                continue
            }
            places[component] = descriptions.count
            let path = site.id.layer.map { site.modulePath.replacingFirst("[\($0)]", with: "[%s]") } ?? site.modulePath
            descriptions.append(
                SiteDescription(
                    component: component, layers: site.id.layer.map { $0...$0 }, width: site.width,
                    heads: site.heads, rows: site.rowSpace.rawValue, modulePath: path))
        }
        return descriptions
    }
}

extension String {
    fileprivate func replacingFirst(_ part: String, with other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return replacingCharacters(in: range, with: other)
    }
}
