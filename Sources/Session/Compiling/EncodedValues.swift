import Graph
import InterventionDSL
import Models

/// What a decoder reads of its encoder: keys and values of the attention to it, [encoder rows, columns].
///
/// They depend on the encoder's sequences alone. In generation they are computed with the prompts; decode steps get them
/// as inputs, so that no step runs the encoder.
struct EncodedValues {
    /// Values of the model's graph, which is the same for the prompts and for decode steps.
    private let values: [ValueID]
    private let encoder = RunInputs().encoder.run

    private static let prefix = "encoded."

    /// Whether a kept value is one of these.
    static func isName(_ name: String) -> Bool { name.hasPrefix(prefix) }

    private static func name(_ place: Int) -> String { "\(prefix)\(place)" }

    /// Finds them in the graph of a model: what depends on the encoder's inputs, not on the decoder's, and is read by
    /// something that depends on both.
    init(in graph: ComputationGraph) {
        var readsEncoder = [Bool](repeating: false, count: graph.nodes.count)
        var readsDecoder = readsEncoder
        var found: [ValueID] = []
        for (id, node) in graph.nodes.enumerated() {
            if case .input(let name) = node.operation {
                readsEncoder[id] = name.hasPrefix("\(encoder).")
                readsDecoder[id] = name.hasPrefix("\(Program.baseName).")
            }
            for input in node.inputs {
                readsEncoder[id] = readsEncoder[id] || readsEncoder[input.node]
                readsDecoder[id] = readsDecoder[id] || readsDecoder[input.node]
            }
            guard readsDecoder[id] else { continue }
            for input in node.inputs where readsEncoder[input.node] && !readsDecoder[input.node] {
                // Offsets and the like are bound anew with each step.
                if case .input = graph.nodes[input.node].operation { continue }
                if !found.contains(input) { found.append(input) }
            }
        }
        values = found
    }

    /// What the graph of the prompts gives, each value as edited.
    func kept(in spliced: SplicedGraph) -> [(name: String, value: ValueID)] {
        values.enumerated().map { (Self.name($0), spliced.edited($1)) }
    }

    /// The names of the inputs that decode steps have in their place.
    func inputs(in spliced: SplicedGraph) -> [ValueID: String] {
        Dictionary(kept(in: spliced).map { ($0.value, $0.name) }) { first, _ in first }
    }
}
