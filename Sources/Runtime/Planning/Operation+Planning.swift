import Graph

extension Operation {
    /// The inputs whose memory a result may take over when nothing else reads it: the kernel reads each element before
    /// it writes it, and result and input have the same shape.
    var inputsForReuse: [Int] {
        switch self {
        case .unary, .affine, .softmax, .logSoftmax, .rmsNorm, .layerNorm, .rotate, .replaceColumns, .scatterRows,
            .attentionPattern:
            [0]
        case .crossEntropyGradient:
            [0]
        case .unaryGradient, .binary, .gated, .softmaxGradient, .logSoftmaxGradient, .attentionPatternGradient:
            [0, 1]
        case .gatedGradient:
            [0, 1, 2]
        case .rmsNormGradient, .layerNormGradient:
            [0, 2]
        default:
            []
        }
    }

    /// Whether the kernel reads this input in its stored type: the right-hand matrix of a product, or a table of rows.
    func readsStoredType(input: Int) -> Bool {
        switch self {
        case .matmul, .linearCrossEntropy: input == 1
        case .expertProduct: input >= 2
        case .gatherRows: input == 0
        default: false
        }
    }

    /// Whether the kernel reads inputs in a stored type from quantised blocks too.
    var readsBlocks: Bool {
        switch self {
        case .matmul, .linearCrossEntropy, .expertProduct, .gatherRows: true
        default: false
        }
    }

    /// A leaf of the graph: no step computes it.
    var isLeaf: Bool {
        switch self {
        case .input, .weight, .parameter, .constant, .scalar: true
        default: false
        }
    }
}
