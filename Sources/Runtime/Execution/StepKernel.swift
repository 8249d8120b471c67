import CKernels
import Graph

/// Which kernel a step calls, with its constants. Plain numbers only, so that running one costs no reference counting.
enum StepKernel {
    case unary(ck_unary_kind)
    case unaryGradient(ck_unary_kind)
    case binary(ck_binary_kind)
    case greater
    case scaleShift(scale: Float, shift: Float)
    case gated(ck_unary_kind)
    case gatedGradient(ck_unary_kind)
    case sumOfRows
    case sumOfColumns
    case sumOfAll
    case broadcast
    case softmax
    case softmaxGradient
    case logSoftmax
    case logSoftmaxGradient
    case rmsNorm(RMSNormAttributes)
    case rmsNormGradient(RMSNormAttributes)
    case rmsNormWeightGradient(RMSNormAttributes)
    case layerNorm(epsilon: Float)
    case layerNormGradient(epsilon: Float)
    case layerNormWeightGradient(epsilon: Float)
    case matmul(transposeLeft: Bool, transposeRight: Bool, storage: ck_storage, precision: ProductPrecision)
    case groupedMatmul(groups: Int, transposeRight: Bool)
    case expertProduct(ExpertProduct, storage: ck_storage, rounds: Bool)
    case expertWeightGradient(ExpertProduct, expert: Int)
    case topK(count: Int)
    case blocks(ColumnBlockOperation)
    case transpose
    case replaceColumns(start: Int)
    case padColumns(start: Int)
    case concatenateColumns
    case gatherRows(ck_storage)
    case scatterRows
    case scatterAddRows
    case rotaryTables(factor: Float)
    case rotate(RotaryAttributes)
    /// The number of the attention's description among the executor's.
    case attention(Int)
    case attentionGradient(Int)
    /// The number of the pairs' description among the executor's.
    case pairs(Int)
    case crossEntropy
    case crossEntropyGradient
    case linearCrossEntropy(storage: ck_storage, rounds: Bool)
    case uniform(stream: UInt32)
    case normal(stream: UInt32)
    case dropoutMask(rate: Float, stream: UInt32)
}

extension StepKernel {
    /// - Parameters:
    ///   - storage: how the input that may be stored in 16 bits is stored.
    ///   - precision: how the operands of a product with a frozen weight are rounded; f32 for other steps.
    ///   - attention: the number of the attention's description, where the operation is one.
    ///   - pairs: the number of the pairs' description, where it is an operation on pairs.
    init?(_ operation: Operation, storage: ck_storage, precision: ProductPrecision, attention: Int, pairs: Int) {
        let rounds = precision == .bf16
        switch operation {
        case .input, .weight, .parameter, .constant, .scalar, .sliceColumns: return nil
        case .unary(let function): self = .unary(function.kernelKind)
        case .unaryGradient(let function): self = .unaryGradient(function.kernelKind)
        case .binary(let function): self = function.kernelKind.map { .binary($0) } ?? .greater
        case .affine(let factor, let offset): self = .scaleShift(scale: Float(factor), shift: Float(offset))
        case .gated(let function): self = .gated(function.kernelKind)
        case .gatedGradient(let function): self = .gatedGradient(function.kernelKind)
        case .sum(.rows): self = .sumOfRows
        case .sum(.columns): self = .sumOfColumns
        case .sum(.all): self = .sumOfAll
        case .broadcast: self = .broadcast
        case .softmax: self = .softmax
        case .softmaxGradient: self = .softmaxGradient
        case .logSoftmax: self = .logSoftmax
        case .logSoftmaxGradient: self = .logSoftmaxGradient
        case .rmsNorm(let attributes): self = .rmsNorm(attributes)
        case .rmsNormGradient(let attributes): self = .rmsNormGradient(attributes)
        case .rmsNormWeightGradient(let attributes): self = .rmsNormWeightGradient(attributes)
        case .layerNorm(let epsilon): self = .layerNorm(epsilon: Float(epsilon))
        case .layerNormGradient(let epsilon): self = .layerNormGradient(epsilon: Float(epsilon))
        case .layerNormWeightGradient(let epsilon): self = .layerNormWeightGradient(epsilon: Float(epsilon))
        case .matmul(let transposeLeft, let transposeRight):
            self = .matmul(
                transposeLeft: transposeLeft, transposeRight: transposeRight, storage: storage, precision: precision)
        case .groupedMatmul(let groups, let transposeRight):
            self = .groupedMatmul(groups: groups, transposeRight: transposeRight)
        case .expertProduct(let product):
            self = .expertProduct(product, storage: storage, rounds: rounds)
        case .expertWeightGradient(let product, let expert): self = .expertWeightGradient(product, expert: expert)
        case .topK(let count): self = .topK(count: count)
        case .blocks(let operation): self = .blocks(operation)
        case .transpose: self = .transpose
        case .replaceColumns(let start): self = .replaceColumns(start: start)
        case .padColumns(let start, _): self = .padColumns(start: start)
        case .concatenateColumns: self = .concatenateColumns
        case .gatherRows: self = .gatherRows(storage)
        case .scatterRows: self = .scatterRows
        case .scatterAddRows: self = .scatterAddRows
        case .rotaryCosine(let factor), .rotarySine(let factor): self = .rotaryTables(factor: Float(factor))
        case .rotate(let attributes): self = .rotate(attributes)
        case .attention: self = .attention(attention)
        case .attentionGradient: self = .attentionGradient(attention)
        case .attentionScores, .attentionScoresGradient, .attentionPattern, .attentionPatternGradient, .attentionMix,
            .attentionMixGradient, .positionBias, .positionBiasGradient:
            self = .pairs(pairs)
        case .crossEntropy: self = .crossEntropy
        case .crossEntropyGradient: self = .crossEntropyGradient
        case .linearCrossEntropy: self = .linearCrossEntropy(storage: storage, rounds: rounds)
        case .random(let attributes):
            switch attributes.distribution {
            case .uniform: self = .uniform(stream: attributes.stream)
            case .normal: self = .normal(stream: attributes.stream)
            case .dropoutMask(let keep): self = .dropoutMask(rate: Float(1 - keep), stream: attributes.stream)
            }
        }
    }
}

extension UnaryFunction {
    var kernelKind: ck_unary_kind {
        switch self {
        case .negate: CK_UNARY_NEG
        case .absolute: CK_UNARY_ABS
        case .square: CK_UNARY_SQUARE
        case .squareRoot: CK_UNARY_SQRT
        case .reciprocalSquareRoot: CK_UNARY_RSQRT
        case .reciprocal: CK_UNARY_RECIPROCAL
        case .exponential: CK_UNARY_EXP
        case .logarithm: CK_UNARY_LOG
        case .relu: CK_UNARY_RELU
        case .sigmoid: CK_UNARY_SIGMOID
        case .tanh: CK_UNARY_TANH
        case .softplus: CK_UNARY_SOFTPLUS
        case .silu: CK_UNARY_SILU
        case .gelu: CK_UNARY_GELU
        case .geluTanh: CK_UNARY_GELU_TANH
        case .quickGelu: CK_UNARY_QUICK_GELU
        }
    }
}

extension BinaryFunction {
    /// nil for the comparison, which has no kernel.
    var kernelKind: ck_binary_kind? {
        switch self {
        case .add: CK_BINARY_ADD
        case .subtract: CK_BINARY_SUB
        case .multiply: CK_BINARY_MUL
        case .divide: CK_BINARY_DIV
        case .maximum: CK_BINARY_MAX
        case .minimum: CK_BINARY_MIN
        case .greater: nil
        }
    }
}
