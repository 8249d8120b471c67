import Graph
import InterventionDSL

/// Sites and weights of a small model, for drawing: nothing of it is ever computed.
enum DrawnToyModel {
    static func graph(layers: Int = 6, runs: [String] = ["base"]) throws -> ComputationGraph {
        let builder = GraphBuilder()
        for run in runs { build(builder, layers, RunInputs(run: run)) }
        return try builder.finish()
    }

    private static func build(_ builder: GraphBuilder, _ layers: Int, _ inputs: RunInputs) {
        func declare(
            _ component: Component, _ layer: Int?, _ value: Value, heads: Int? = nil, rows: RowSpace = .tokens
        ) {
            builder.declareSite(
                SiteID(component, layer: layer, run: inputs.run), value, heads: heads, rowSpace: rows,
                modulePath: "model.\(component)")
        }
        let table = builder.weight("embed.weight", rows: 10, columns: 8)
        var stream = table.rows(at: builder.input(inputs.tokens, .indices(inputs.rows)))
        declare(.embedding, nil, stream)
        for layer in 0..<layers {
            declare(.blockInput, layer, stream)
            let heads = stream.times(builder.weight("layers.\(layer).heads.weight", rows: 8, columns: 8))
            declare(.attentionValueOutput, layer, heads, heads: 2)
            let attention = heads.times(builder.weight("layers.\(layer).out.weight", rows: 8, columns: 8))
            declare(.attentionOutput, layer, attention)
            let middle = stream + attention
            let transformed = middle.times(builder.weight("layers.\(layer).mlp.weight", rows: 8, columns: 8))
            declare(.mlpOutput, layer, transformed)
            stream = middle + transformed
            declare(.blockOutput, layer, stream)
        }
        let read = stream.rows(at: builder.input(inputs.demanded, .indices(inputs.demandedRows)))
        declare(.logits, nil, read.times(table, transposed: true), rows: .demanded)
    }
}
