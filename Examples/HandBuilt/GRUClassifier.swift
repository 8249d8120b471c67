import SwiftReFT

/// A gated recurrent network (Cho et al. 2014) that classifies a sequence by its last state.
///
///     z = σ(x W_xz + h W_hz),  r = σ(x W_xr + h W_hr),  n = tanh(x W_xn + r · (h W_hn)),  h ← z · h + (1 − z) · n
///
/// A row is a time step, so positions select steps. Its tensors are called as in pyvene's `GRUForClassification`.
struct GRUClassifier {
    var layers: Int
    var width: Int
    /// The longest sequence.
    var steps: Int
    var classes: [String]

    /// The model with these weights.
    func model(named name: String = "gru", weights: [StoredTensor]) throws -> Model {
        try Model(
            named: name, kind: .sequenceClassifier(labels: classes),
            sizes: ModelSizes(layers: layers, hidden: width, features: width, steps: steps), weights: weights
        ) { builder, inputs in build(builder, inputs) }
    }

    private func build(_ builder: GraphBuilder, _ inputs: RunInputs) -> ModelOutputs {
        var rows = builder.input(inputs.features, .real(inputs.rows, .fixed(width)))
        for layer in 0..<layers {
            builder.declareSite(
                SiteID(Component(rawValue: "cell_input"), layer: layer, run: inputs.run), rows,
                modulePath: "gru.cells[\(layer)].input")
            rows = states(of: rows, layer, builder, inputs)
        }
        let last = rows.rows(at: builder.input(inputs.lastRows, .indices(inputs.sequences)))
        let logits = last.linear(builder.weight("score.weight", rows: classes.count, columns: width))
        builder.declareSite(
            SiteID(.logits, run: inputs.run), logits, rowSpace: .sequences, modulePath: "score.output")
        return ModelOutputs(logits: logits.id, lastHiddenState: rows.id)
    }

    /// The states of one layer at all steps.
    private func states(of rows: Value, _ layer: Int, _ builder: GraphBuilder, _ inputs: RunInputs) -> Value {
        func projected(_ rows: Value, _ name: String) -> Value {
            let path = "gru.cells.\(layer).\(name)"
            return builder.from(.model(path)) {
                rows.linear(
                    builder.weight("\(path).weight", rows: 3 * width, columns: width),
                    bias: builder.weight("\(path).bias", rows: 1, columns: 3 * width))
            }
        }
        func parts(_ gates: Value) -> [Value] { (0..<3).map { gates.columns($0 * width..<($0 + 1) * width) } }
        // What the input gives to the gates does not depend on the states: all steps at once.
        let fromInput = projected(rows, "x2h")
        return builder.recurrence(
            SiteID(.cellOutput, layer: layer), inputs, steps: steps, width: width,
            modulePath: "gru.cells[\(layer)].output"
        ) { step in
            let (x, h) = (parts(step(fromInput)), parts(projected(step.previous, "h2h")))
            let reset = (x[0] + h[0]).applying(.sigmoid)
            let update = (x[1] + h[1]).applying(.sigmoid)
            let new = (x[2] + reset * h[2]).applying(.tanh)
            return update * step.previous + (1 - update) * new
        }
    }
}
