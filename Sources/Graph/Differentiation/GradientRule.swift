/// The derivative rules: what each operation sends back to its inputs. All of them are in this file.
///
/// Below, y is the node's result, dy its adjoint; each case gives the contribution to each input, nil where the input
/// is not on a path from a target.
struct GradientRule {
    let builder: GraphBuilder
    let node: Node
    let id: NodeID
    /// Which inputs need a gradient.
    let wanted: [Bool]
    /// The adjoint of each result, nil where nothing depends on it.
    let received: [Value?]

    func contributions() -> [Value?] {
        guard let dy = received[0], received.dropFirst().allSatisfy({ $0 == nil }) else {
            if case .gatedGradient = node.operation { return undefined() }
            builder.report("\(node.operation.name) has a gradient only through its first result")
            return []
        }
        switch node.operation {
        case .input, .weight, .parameter, .constant, .scalar, .random:
            return node.inputs.map { _ in nil }
        case .rotaryCosine, .rotarySine:
            return undefined()

        case .unary(let function):
            return [builder.node(.unaryGradient(function), x(0), dy)]
        case .affine(let factor, _):
            return [factor * dy]
        case .binary(let function):
            return binary(function, dy)
        case .gated(let function):
            return builder.results(.gatedGradient(function), [x(0), x(1), dy]).map { $0 }

        case .sum:
            return [dy.broadcast(to: x(0).shape)]
        case .broadcast:
            return [reduced(dy, to: x(0).shape)]
        case .softmax:
            return [builder.node(.softmaxGradient, y, dy)]
        case .logSoftmax:
            return [builder.node(.logSoftmaxGradient, y, dy)]

        case .rmsNorm(let attributes):
            return [
                want(0) { builder.node(.rmsNormGradient(attributes), x(0), x(1), dy) },
                want(1) { builder.node(.rmsNormWeightGradient(attributes), x(0), x(1), dy) },
            ]
        case .layerNorm(let epsilon):
            return [
                want(0) { builder.node(.layerNormGradient(epsilon: epsilon), x(0), x(1), dy) },
                want(1) { builder.node(.layerNormWeightGradient(epsilon: epsilon), x(0), dy) },
                want(2) { dy.sum(.rows) },
            ]

        case .matmul(let transposeLeft, let transposeRight):
            return product(transposeLeft, transposeRight, dy)
        case .groupedMatmul(let groups, let transposeRight):
            if wanted[1] {
                builder.report("groupedMatmul has a derivative with respect to its rows only, not to its matrices")
            }
            return [
                want(0) {
                    builder.node(
                        .groupedMatmul(groups: groups, transposeRight: !transposeRight), dy, x(1), x(2))
                }, nil, nil,
            ]
        case .transpose:
            return [dy.transposed()]
        case .sliceColumns(let start, _):
            return [builder.node(.padColumns(start: start, total: x(0).width), dy)]
        case .replaceColumns(let start):
            return [
                want(0) { dy.replacingColumns(from: start, with: zeros(like: x(1))) },
                want(1) { dy.columns(start..<start + x(1).width) },
            ]
        case .padColumns(let start, _):
            return [dy.columns(start..<start + x(0).width)]
        case .concatenateColumns:
            return concatenation(dy)
        case .blocks(let operation):
            return blocks(operation, dy)
        case .topK:
            return topK(dy)
        case .expertProduct(let product):
            return expertProduct(product, dy)

        case .gatherRows:
            return [builder.node(.scatterAddRows(count: x(0).shape.rows), dy, x(1)), nil]
        case .scatterRows:
            return [
                want(0) { dy.replacingRows(at: x(1), with: zeros(like: x(2))) }, nil,
                want(2) { dy.rows(at: x(1)) },
            ]
        case .scatterAddRows:
            return [dy.rows(at: x(1)), nil]

        case .rotate(var attributes):
            if wanted[1] || wanted[2] { return undefined() }
            attributes.inverse.toggle()
            return [want(0) { builder.node(.rotate(attributes), dy, x(1), x(2)) }, nil, nil]
        case .attention(let attributes):
            return attention(attributes, dy)
        case .attentionScores(let attributes):
            return pairs(.attentionScoresGradient(attributes), [x(0), x(1), dy], from: 2)
        case .attentionPattern(let attributes):
            return pairs(.attentionPatternGradient(attributes), [y, dy], from: 1)
        case .attentionMix(let attributes):
            return pairs(.attentionMixGradient(attributes), [x(0), x(1), dy], from: 2)
        case .positionBias(let attributes):
            return pairs(.positionBiasGradient(attributes), [dy], from: 1)
        case .crossEntropy:
            return [builder.node(.crossEntropyGradient, x(0), x(1), dy), nil]
        case .linearCrossEntropy:
            if wanted[1] {
                builder.report("linearCrossEntropy has a derivative with respect to its rows only, not to its matrix")
            }
            return [want(0) { builder.value(ValueID(id, 1)) * dy }, nil, nil]

        case .unaryGradient, .gatedGradient, .softmaxGradient, .logSoftmaxGradient, .rmsNormGradient,
            .rmsNormWeightGradient, .layerNormGradient, .layerNormWeightGradient, .attentionGradient,
            .attentionScoresGradient, .attentionPatternGradient, .attentionMixGradient, .positionBiasGradient,
            .crossEntropyGradient, .expertWeightGradient:
            return undefined()
        }
    }

    // MARK: Rules of several lines

    private func binary(_ function: BinaryFunction, _ dy: Value) -> [Value?] {
        let (a, b) = (x(0), x(1))
        switch function {
        case .add:
            return [want(0) { reduced(dy, to: a.shape) }, want(1) { reduced(dy, to: b.shape) }]
        case .subtract:
            return [want(0) { reduced(dy, to: a.shape) }, want(1) { -reduced(dy, to: b.shape) }]
        case .multiply:
            return [want(0) { reduced(dy * b, to: a.shape) }, want(1) { reduced(dy * a, to: b.shape) }]
        case .divide:
            // d(a/b)/db = −a/b² = −y/b
            return [want(0) { reduced(dy / b, to: a.shape) }, want(1) { -reduced(dy * y / b, to: b.shape) }]
        case .maximum:
            let first = a.applying(.greater, b)
            return [want(0) { reduced(dy * first, to: a.shape) }, want(1) { reduced(dy * (1 - first), to: b.shape) }]
        case .minimum:
            let first = b.applying(.greater, a)
            return [want(0) { reduced(dy * first, to: a.shape) }, want(1) { reduced(dy * (1 - first), to: b.shape) }]
        case .greater:
            return [nil, nil]
        }
    }

    /// y = op(a) · op(b) + bias.
    private func product(_ transposeLeft: Bool, _ transposeRight: Bool, _ dy: Value) -> [Value?] {
        let (a, b) = (x(0), x(1))
        let left = want(0) {
            transposeLeft
                // y = aᵀ op(b) → da = op(b) dyᵀ
                ? builder.node(.matmul(transposeLeft: transposeRight, transposeRight: true), b, dy)
                // y = a op(b) → da = dy op(b)ᵀ
                : builder.node(.matmul(transposeLeft: false, transposeRight: !transposeRight), dy, b)
        }
        let right = want(1) {
            transposeRight
                // y = op(a) bᵀ → db = dyᵀ op(a)
                ? builder.node(.matmul(transposeLeft: true, transposeRight: transposeLeft), dy, a)
                // y = op(a) b → db = op(a)ᵀ dy
                : builder.node(.matmul(transposeLeft: !transposeLeft, transposeRight: false), a, dy)
        }
        return node.inputs.count == 2 ? [left, right] : [left, right, want(2) { dy.sum(.rows) }]
    }

    private func concatenation(_ dy: Value) -> [Value?] {
        var start = 0
        return node.inputs.indices.map { place in
            let range = start..<start + x(place).width
            start = range.upperBound
            return want(place) { dy.columns(range) }
        }
    }

    private func attention(_ attributes: AttentionAttributes, _ dy: Value) -> [Value?] {
        let inputs = node.inputs.map(builder.value)
        let results = builder.results(
            .attentionGradient(attributes),
            inputs + [builder.value(ValueID(id, 0)), builder.value(ValueID(id, 1)), dy])
        let live: [Value?] = [results[0], results[1], results[2], nil]
        return attributes.hasParameterKeys ? live + [results[3], results[4]] : live
    }

    /// The gradients of an operation on pairs, whose offsets are its inputs from `first` on.
    private func pairs(_ gradient: Operation, _ inputs: [Value], from first: Int) -> [Value?] {
        let offsets = node.inputs.indices.dropFirst(first)
        return builder.results(gradient, inputs + offsets.map(x)).map { $0 } + offsets.map { _ in nil }
    }

    private func undefined() -> [Value?] {
        builder.report("\(node.operation.name) has no derivative rule")
        return []
    }

    // MARK: Words of the rules

    func x(_ place: Int) -> Value { builder.value(node.inputs[place]) }

    private var y: Value { builder.value(ValueID(id)) }

    func want(_ place: Int, _ contribution: () -> Value) -> Value? { wanted[place] ? contribution() : nil }

    private func zeros(like value: Value) -> Value { builder.scalar(0).broadcast(to: value.shape) }

    /// The sum of `value` over the extents that were repeated to reach it from `shape`.
    private func reduced(_ value: Value, to shape: Shape) -> Value {
        let rows = shape.rows == 1 && value.shape.rows != 1
        let columns = shape.columns == 1 && value.shape.columns != 1
        if rows && columns { return value.sum(.all) }
        if rows { return value.sum(.rows) }
        return columns ? value.sum(.columns) : value
    }
}
