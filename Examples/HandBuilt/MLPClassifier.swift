import SwiftReFT

/// A plain multilayer perceptron: h ← gelu(h · Wᵀ + b) in each layer, then class scores.
///
/// A row is an example, so every sequence has one row and positions are always `.all`. Its tensors are called as in
/// pyvene's `MLPForClassification`.
struct MLPClassifier {
    var layers: Int
    var width: Int
    var classes: [String]

    /// The model with these weights.
    func model(named name: String = "mlp", weights: [StoredTensor]) throws -> Model {
        try Model(
            named: name, kind: .sequenceClassifier(labels: classes),
            sizes: ModelSizes(layers: layers, hidden: width, features: width), weights: weights
        ) { builder, inputs in build(builder, inputs) }
    }

    /// One run of the graph, with its sites.
    private func build(_ builder: GraphBuilder, _ inputs: RunInputs) -> ModelOutputs {
        func site(_ component: Component, _ layer: Int?) -> SiteID { SiteID(component, layer: layer, run: inputs.run) }
        func linear(_ rows: Value, _ name: String, to outputs: Int) -> Value {
            builder.from(.model(name)) {
                rows.linear(
                    builder.weight("\(name).weight", rows: outputs, columns: rows.width),
                    bias: builder.weight("\(name).bias", rows: 1, columns: outputs))
            }
        }
        var rows = builder.input(inputs.features, .real(inputs.rows, .fixed(width)))
        for layer in 0..<layers {
            let (input, path) = (rows, "mlp.h[\(layer)]")
            builder.declareSite(site(.blockInput, layer), input, modulePath: "\(path).input")
            rows = linear(input, "mlp.h.\(layer).ff1", to: width).applying(.gelu)
            builder.declareSite(site(.blockOutput, layer), rows, moduleInput: input, modulePath: "\(path).output")
        }
        let last = rows.rows(at: builder.input(inputs.lastRows, .indices(inputs.sequences)))
        let logits = linear(last, "score", to: classes.count)
        builder.declareSite(site(.logits, nil), logits, rowSpace: .sequences, modulePath: "score.output")
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }
}
