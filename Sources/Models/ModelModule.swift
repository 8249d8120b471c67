import Graph

/// A module of a model while its graph is built: knows its path, hence the names of its tensors and sites.
///
/// ```swift
/// let mlp = block["mlp"]                                       // model.layers.3.mlp
/// let gate = mlp["gate_proj"].linear(rows, to: 1536)           // model.layers.3.mlp.gate_proj.weight
/// ```
struct ModelModule {
    let builder: GraphBuilder
    let inputs: RunInputs
    let options: BuildOptions
    /// The path of its tensors in the checkpoint, dots between the parts.
    let path: String
    /// A leading part of the path that the model's class does not have (an encoder without a head).
    var absentPrefix = ""

    /// The submodule `child`.
    subscript(_ child: String) -> ModelModule {
        ModelModule(
            builder: builder, inputs: inputs, options: options, path: path.isEmpty ? child : "\(path).\(child)",
            absentPrefix: absentPrefix)
    }

    /// The submodule of a list.
    subscript(_ index: Int) -> ModelModule { self["\(index)"] }

    /// Makes the nodes of `body` come from this module.
    func building<Result>(_ body: () -> Result) -> Result { builder.from(.model(path)) { body() } }
}

// MARK: - Tensors

extension ModelModule {
    /// The tensor `path.name` [rows, columns].
    func matrix(_ name: String = "weight", rows: Int, columns: Int) -> Value {
        builder.from(.model(path)) { builder.weight("\(path).\(name)", rows: rows, columns: columns) }
    }

    /// The tensor `path.name` [count].
    func vector(_ name: String, _ count: Int) -> Value { matrix(name, rows: 1, columns: count) }

    /// x · weightᵀ + bias; weight [outputs, inputs], bias [outputs].
    func linear(_ rows: Value, to outputs: Int, bias: Bool) -> Value {
        applied(to: rows) {
            rows.linear(
                matrix(rows: outputs, columns: rows.width), bias: bias ? vector("bias", outputs) : nil)
        }
    }

    /// x · weight + bias; weight [inputs, outputs], as GPT-2's `Conv1D` stores it.
    func transposedLinear(_ rows: Value, to outputs: Int) -> Value {
        applied(to: rows) { rows.times(matrix(rows: rows.width, columns: outputs)) + vector("bias", outputs) }
    }

    /// Root-mean-square norm; weight [width / groups], stored as weight − offset.
    func rmsNorm(_ rows: Value, epsilon: Double, weightOffset: Double = 0, groups: Int = 1) -> Value {
        let attributes = RMSNormAttributes(epsilon: epsilon, weightOffset: weightOffset, groups: groups)
        return applied(to: rows) {
            builder.node(.rmsNorm(attributes), rows, vector("weight", rows.width / max(groups, 1)))
        }
    }

    /// Layer norm; weight and bias [width].
    func layerNorm(_ rows: Value, epsilon: Double) -> Value {
        applied(to: rows) {
            builder.node(.layerNorm(epsilon: epsilon), rows, vector("weight", rows.width), vector("bias", rows.width))
        }
    }

    /// Layer norm without parameters.
    func plainLayerNorm(_ rows: Value, epsilon: Double) -> Value {
        func constant(_ name: String, _ value: Double) -> Value {
            builder.constant(
                ConstantTensor(
                    name: name, rows: 1, columns: rows.width, values: Array(repeating: value, count: rows.width)))
        }
        return applied(to: rows) {
            builder.node(.layerNorm(epsilon: epsilon), rows, constant("ones", 1), constant("zeros", 0))
        }
    }

    /// Rows of an embedding table [count, width].
    func embedding(_ indices: Value, count: Int, width: Int) -> Value {
        applied { matrix(rows: count, columns: width).rows(at: indices) }
    }

    /// The module's own computation, whose input and output can be meant by its path.
    func applied(to input: Value? = nil, _ body: () -> Value) -> Value {
        let output = building(body)
        if let input { declareModule("input", input) }
        declareModule("output", output, input: input)
        return output
    }

    private func declareModule(_ end: String, _ value: Value, input: Value? = nil) {
        let spaces: [Dimension: RowSpace] = [
            inputs.rows: .tokens, inputs.demandedRows: .demanded, inputs.sequences: .sequences,
        ]
        guard let rowSpace = spaces[value.shape.rows] else { return }
        builder.declareModuleSite(
            "\(bracketedPath).\(end)", value, moduleInput: input, run: inputs.run, rowSpace: rowSpace)
    }
}

// MARK: - Batch and sites

extension ModelModule {
    /// The token ids of the batch.
    var tokens: Value { builder.input(inputs.tokens, .indices(inputs.rows)) }
    /// The position of each row.
    var positions: Value { builder.input(inputs.positions, .indices(inputs.rows)) }
    /// Where the sequences begin.
    var offsets: Value { builder.input(inputs.offsets, .indices(inputs.bounds)) }

    /// Declares the output of this module as a site.
    func declareOutput(
        _ component: Component, _ layer: Int? = nil, _ value: Value, input: Value? = nil, heads: Int? = nil,
        rowSpace: RowSpace = .tokens
    ) {
        builder.declareSite(
            SiteID(component, layer: layer, run: inputs.run), value, moduleInput: input, heads: heads,
            rowSpace: rowSpace, modulePath: "\(bracketedPath).output")
    }

    /// Declares the input of this module as a site.
    func declareInput(
        _ component: Component, _ layer: Int? = nil, _ value: Value, heads: Int? = nil, rowSpace: RowSpace = .tokens
    ) {
        builder.declareSite(
            SiteID(component, layer: layer, run: inputs.run), value, heads: heads, rowSpace: rowSpace,
            modulePath: "\(bracketedPath).input")
    }

    /// Declares columns of the output of this module as a site.
    func declareOutput(
        columns: Range<Int>, _ component: Component, _ layer: Int, _ value: Value, input: Value, heads: Int
    ) {
        declareOutput(
            spelled: "output[\(columns.lowerBound):\(columns.upperBound)]", component, layer, value, input: input,
            heads: heads)
    }

    /// Declares a part of the output of this module as a site, spelt as Python would cut it out.
    func declareOutput(
        spelled part: String, _ component: Component, _ layer: Int, _ value: Value, input: Value? = nil, heads: Int
    ) {
        builder.declareSite(
            SiteID(component, layer: layer, run: inputs.run), value, moduleInput: input, heads: heads,
            modulePath: "\(bracketedPath).\(part)")
    }

    /// Declares a value within this module as a site, at a path behind the module's.
    func declare(
        _ component: Component, _ layer: Int?, _ value: Value, heads: Int?, rowSpace: RowSpace, at path: String
    ) {
        builder.declareSite(
            SiteID(component, layer: layer, run: inputs.run), value, heads: heads, rowSpace: rowSpace,
            modulePath: "\(bracketedPath).\(path)")
    }

    /// The path as Python spells it: `model.layers[3].mlp`.
    private var bracketedPath: String {
        var path = path
        if !absentPrefix.isEmpty, path.hasPrefix(absentPrefix) { path.removeFirst(absentPrefix.count) }
        return bracketedModulePath(path)
    }
}
