extension Operation {
    /// The name without attributes, as printers and messages show it.
    public var name: String {
        switch self {
        case .input: "input"
        case .weight: "weight"
        case .parameter: "parameter"
        case .constant: "constant"
        case .scalar: "scalar"
        case .unary(let function): function.rawValue
        case .unaryGradient(let function): "\(function.rawValue)Gradient"
        case .binary(let function): function.rawValue
        case .affine: "affine"
        case .gated(let function): "gated.\(function.rawValue)"
        case .gatedGradient(let function): "gated.\(function.rawValue)Gradient"
        case .sum(let axis): "sum.\(axis.rawValue)"
        case .broadcast: "broadcast"
        case .softmax: "softmax"
        case .softmaxGradient: "softmaxGradient"
        case .logSoftmax: "logSoftmax"
        case .logSoftmaxGradient: "logSoftmaxGradient"
        case .rmsNorm: "rmsNorm"
        case .rmsNormGradient: "rmsNormGradient"
        case .rmsNormWeightGradient: "rmsNormWeightGradient"
        case .layerNorm: "layerNorm"
        case .layerNormGradient: "layerNormGradient"
        case .layerNormWeightGradient: "layerNormWeightGradient"
        case .matmul: "matmul"
        case .groupedMatmul: "groupedMatmul"
        case .transpose: "transpose"
        case .sliceColumns: "sliceColumns"
        case .replaceColumns: "replaceColumns"
        case .padColumns: "padColumns"
        case .concatenateColumns: "concatenateColumns"
        case .blocks(let operation): operation.name
        case .topK: "topK"
        case .expertProduct: "expertProduct"
        case .expertWeightGradient: "expertWeightGradient"
        case .gatherRows: "gatherRows"
        case .scatterRows: "scatterRows"
        case .scatterAddRows: "scatterAddRows"
        case .rotaryCosine: "rotaryCosine"
        case .rotarySine: "rotarySine"
        case .rotate: "rotate"
        case .attention: "attention"
        case .attentionGradient: "attentionGradient"
        case .crossEntropy: "crossEntropy"
        case .crossEntropyGradient: "crossEntropyGradient"
        case .random: "random"
        }
    }
}
