import Graph

/// A model of three blocks without attention, with every kind of site: per layer, per head, per model, per sequence.
struct ToyModel {
    static let width = 8
    static let hidden = 12
    static let layers = 3
    static let vocabulary = 10

    let graph: ComputationGraph
    /// The logits of each run by name.
    let logits: [String: ValueID]

    init(runs: [String] = ["base"]) throws {
        let builder = GraphBuilder()
        var logits: [String: ValueID] = [:]
        for run in runs { logits[run] = Self.build(builder, RunInputs(run: run)).id }
        graph = try builder.finish()
        self.logits = logits
    }

    private static func build(_ builder: GraphBuilder, _ inputs: RunInputs) -> Value {
        func declare(
            _ component: Component, _ layer: Int?, _ value: Value, _ path: String, input: Value? = nil,
            heads: Int? = nil, rows: RowSpace = .tokens
        ) {
            builder.declareSite(
                SiteID(component, layer: layer, run: inputs.run), value, moduleInput: input, heads: heads,
                rowSpace: rows, modulePath: path)
        }
        let table = builder.weight("embed.weight", rows: vocabulary, columns: width)
        var stream = table.rows(at: builder.input(inputs.tokens, .indices(inputs.rows)))
        declare(.embedding, nil, stream, "model.embed_tokens.output")
        for layer in 0..<layers {
            let path = "model.layers[\(layer)]"
            builder.from(.model("model.layers.\(layer)")) {
                func product(_ value: Value, _ name: String, _ columns: Int) -> Value {
                    value.times(
                        builder.weight("layers.\(layer).\(name).weight", rows: value.width, columns: columns))
                }
                let input = stream
                declare(.blockInput, layer, input, "\(path).input")
                let heads = product(input, "heads", width)
                declare(.attentionValueOutput, layer, heads, "\(path).self_attn.o_proj.input", heads: 2)
                let attention = product(heads, "out", width)
                declare(.attentionOutput, layer, attention, "\(path).self_attn.output", input: input)
                let middle = input + attention
                let activation = product(middle, "up", hidden).applying(.silu)
                declare(.mlpActivation, layer, activation, "\(path).mlp.act_fn.output")
                let output = product(activation, "down", width)
                declare(.mlpOutput, layer, output, "\(path).mlp.output", input: middle)
                stream = middle + output
                declare(.blockOutput, layer, stream, "\(path).output", input: input)
            }
        }
        let first = stream.rows(at: builder.input(inputs.firstRows, .indices(inputs.sequences)))
        declare(.poolerOutput, nil, first, "model.pooler.output", rows: .sequences)
        let read = stream.rows(at: builder.input(inputs.demanded, .indices(inputs.demandedRows)))
        let logits = read.times(builder.weight("lm_head.weight", rows: vocabulary, columns: width), transposed: true)
        declare(.logits, nil, logits, "lm_head.output", rows: .demanded)
        return logits
    }
}

/// Numbers for any graph of the toy model: the same name gives the same numbers.
struct ToyBindings {
    /// Tokens of each sequence.
    var sequences: [[Int32]] = [[1, 2, 3, 4], [5, 6, 7]]
    var runs = ["base"]

    func bindings(
        _ graph: ComputationGraph, selections: [String: [Int32]] = [:], parameters: [String: [Double]] = [:]
    ) -> Interpreter.Bindings {
        var bindings = Interpreter.Bindings()
        for run in runs {
            let inputs = RunInputs(run: run)
            // A source run sees other tokens.
            let shift: Int32 = run == "base" ? 0 : 2
            let tokens = sequences.flatMap { $0 }.map { ($0 + shift) % Int32(ToyModel.vocabulary) }
            bindings.inputs[inputs.tokens] = .indices(tokens)
            bindings.inputs[inputs.demanded] = .indices(tokens.indices.map(Int32.init))
            bindings.inputs[inputs.firstRows] = .indices([0, Int32(sequences[0].count)])
        }
        bindings.inputs[RunInputs.seed] = .indices([7])
        for (name, indices) in selections { bindings.inputs[name] = .indices(indices) }
        for node in graph.nodes {
            let shape = node.results[0].shape
            guard let rows = shape.rows.fixedValue, let columns = shape.columns.fixedValue else { continue }
            switch node.operation {
            case .weight(let name):
                bindings.weights[name] = Matrix64(
                    rows: rows, columns: columns, values: Self.numbers(name, rows * columns))
            case .parameter(let name):
                let values = parameters[name] ?? Self.numbers(name, rows * columns)
                bindings.parameters[name] = Matrix64(rows: rows, columns: columns, values: values)
            default: break
            }
        }
        return bindings
    }

    /// Numbers in [−0.5, 0.5) that a name decides.
    static func numbers(_ name: String, _ count: Int) -> [Double] {
        var state = name.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / Double(1 << 24) - 0.5
        }
    }
}
