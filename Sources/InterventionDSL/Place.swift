import Graph

/// Where in a model a declaration acts, before the model is known.
public enum Place: Hashable, Sendable {
    /// A component of some layers, or of some heads in them.
    case layers(Component, Layers, heads: [Int]?)
    /// A component that exists once per model.
    case model(Component)
    /// A module's input or output by its path.
    case module(String)
    /// Every site, or every head, that a selector matches: `layers[4-8].attention_output`. See
    /// ``Graph/ComputationGraph/sites(matching:run:)``. A value that has several names is edited once.
    case matching(String)
}

extension Place: CustomStringConvertible {
    /// The text form, which ``init(text:)`` reads back.
    public var description: String {
        switch self {
        case .layers(let component, let layers, let heads):
            "\(component).\(layers)" + (heads.map { ".h" + $0.map(String.init).joined(separator: ",") } ?? "")
        case .model(let component): "\(component)"
        case .module(let path), .matching(let path): path
        }
    }

    /// Reads `block_output.3`, `block_output.4-7`, `attention_value_output.5.h3`, `embedding`, a module path such as
    /// `model.layers[3].mlp.output`, or a selector such as `layers[4-8].mlp_*`, which has a `*`, a span in brackets or
    /// begins with `layers[`. Whether the model has it is checked when a program is bound.
    public init(text: String) throws(InterventionError) {
        if PathPattern.isNeeded(for: text) {
            self = .matching(try PathPattern(text).text)
            return
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let failure = InterventionError.unreadable(
            what: "site", given: text, part: text,
            allowed: "block_output.3, block_output.4-7, attention_value_output.5.h3, embedding, a module path "
                + "such as model.layers[3].mlp.output or a selector such as layers[4-8].mlp_*")
        guard let name = parts.first, !parts.contains("") else { throw failure }
        if parts.count == 1, !name.contains("[") {
            self = .model(Component(rawValue: name))
            return
        }
        // No module is called by digits and signs: these are layers.
        if parts.count <= 3, !name.contains("["), parts[1].allSatisfy({ "0123456789-,".contains($0) }) {
            do throws(InterventionError) {
                _ = try Layers(text: parts[1])
            } catch {
                throw .unreadable(
                    what: "site", given: text, part: parts[1], allowed: "layers counted from 0: \(Layers.allowed)")
            }
        }
        guard parts.count <= 3, let layers = try? Layers(text: parts[1]) else {
            self = .module(text)
            return
        }
        var heads: [Int]?
        if parts.count == 3 {
            guard parts[2].hasPrefix("h"), let list = (try? Layers(text: String(parts[2].dropFirst())))?.list else {
                self = .module(text)
                return
            }
            heads = list
        }
        self = .layers(Component(rawValue: name), layers, heads: heads)
    }
}
