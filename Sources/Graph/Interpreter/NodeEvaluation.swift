/// One node, the numbers of its inputs and the extents of its results.
///
/// The verifier has checked the types and the interpreter the bindings, so extents fit; indices are still unchecked.
struct NodeEvaluation {
    let node: Node
    let inputs: [Operand64]
    let extents: [Extents]
    let stored: [Int: [Interpreter.StoredKeysAndValues]]

    /// The numbers of an input.
    func real(_ place: Int) -> Matrix64 { inputs[place].matrix }

    /// Zeros in the shape of a result.
    func zeros(_ result: Int = 0) -> Matrix64 {
        Matrix64(rows: extents[result].rows, columns: extents[result].columns)
    }

    /// The indices of an input, each within 0..<count.
    func indices(_ place: Int, below count: Int) throws(InterpreterError) -> [Int] {
        for (row, index) in inputs[place].indices.enumerated() where index < 0 || Int(index) >= count {
            throw .indexOutOfRange(
                operation: node.operation.name, place: row, index: Int(index), count: count,
                provenance: node.provenance)
        }
        return inputs[place].indices.map(Int.init)
    }

    /// The numbers of the results.
    func results() throws(InterpreterError) -> [Operand64] { try matrices().map(Operand64.init) }

    private func matrices() throws(InterpreterError) -> [Matrix64] {
        switch node.operation {
        case .input, .weight, .parameter, .constant, .scalar: []
        case .unary(let function): [mapped(function)]
        case .unaryGradient(let function): [mappedGradient(function)]
        case .binary(let function): [combined(function)]
        case .affine(let factor, let offset): [affine(factor, offset)]
        case .gated(let function): [gated(function)]
        case .gatedGradient(let function): gatedGradient(function)
        case .sum(let axis): [sum(axis)]
        case .broadcast: [broadcast()]
        case .softmax: [softmax()]
        case .softmaxGradient: [softmaxGradient()]
        case .logSoftmax: [logSoftmax()]
        case .logSoftmaxGradient: [logSoftmaxGradient()]
        case .rmsNorm(let attributes): [rmsNorm(attributes)]
        case .rmsNormGradient(let attributes): [rmsNormGradient(attributes)]
        case .rmsNormWeightGradient(let attributes): [rmsNormWeightGradient(attributes)]
        case .layerNorm(let epsilon): [layerNorm(epsilon)]
        case .layerNormGradient(let epsilon): [layerNormGradient(epsilon)]
        case .layerNormWeightGradient(let epsilon): [layerNormWeightGradient(epsilon)]
        case .matmul(let transposeLeft, let transposeRight): [product(transposeLeft, transposeRight)]
        case .groupedMatmul(let groups, let transposeRight): [try groupedProduct(groups, transposeRight)]
        case .transpose: [transposed()]
        case .sliceColumns(let start, _): [slicedColumns(start)]
        case .replaceColumns(let start): [replacedColumns(start)]
        case .padColumns(let start, _): [paddedColumns(start)]
        case .concatenateColumns: [concatenatedColumns()]
        case .blocks(let operation): [try blocks(operation)]
        case .topK(let count): topK(count)
        case .expertProduct(let product): [try expertProduct(product)]
        case .expertWeightGradient(let product, let expert): [try expertWeightGradient(product, expert)]
        case .gatherRows: [try gatheredRows()]
        case .scatterRows: [try scatteredRows()]
        case .scatterAddRows: [try scatterAddedRows()]
        case .rotaryCosine(let factor): [rotaryCosine(factor)]
        case .rotarySine(let factor): [rotarySine(factor)]
        case .rotate(let attributes): [rotated(attributes)]
        case .attention(let attributes): try attention(attributes)
        case .attentionGradient(let attributes): try attentionGradient(attributes)
        case .attentionScores(let attributes): [try attentionScores(attributes)]
        case .attentionScoresGradient(let attributes): try attentionScoresGradient(attributes)
        case .attentionPattern(let attributes): [try attentionPattern(attributes)]
        case .attentionPatternGradient(let attributes): [try attentionPatternGradient(attributes)]
        case .attentionMix(let attributes): [try attentionMix(attributes)]
        case .attentionMixGradient(let attributes): try attentionMixGradient(attributes)
        case .positionBias(let attributes): [try positionBias(attributes)]
        case .positionBiasGradient(let attributes): [try positionBiasGradient(attributes)]
        case .crossEntropy: [try crossEntropy()]
        case .crossEntropyGradient: [try crossEntropyGradient()]
        case .linearCrossEntropy: try linearCrossEntropy()
        case .random(let attributes): [random(attributes)]
        }
    }
}
