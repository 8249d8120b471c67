import CKernels

/// A kernel call with its operands in memory: what the executor's loop runs.
struct ExecutableStep {
    var kernel: StepKernel
    /// The inputs, then the results.
    var operands: UnsafeMutablePointer<Operand>
    var inputCount: Int
    var resultCount: Int
    /// How many steps from this one on multiply the same rows with frozen matrices, so that few rows take one call.
    var besideCount = 1

    func input(_ place: Int) -> Operand { operands[place] }
    func result(_ place: Int = 0) -> Operand { operands[inputCount + place] }

    /// Runs every kernel but attention, which may read a key/value store.
    /// - Returns: false when the kernel refused its operands.
    func run() -> Bool {
        switch kernel {
        case .unary, .unaryGradient, .binary, .greater, .scaleShift, .gated, .gatedGradient:
            runElementwise()
        case .sumOfRows, .sumOfColumns, .sumOfAll, .broadcast, .softmax, .softmaxGradient, .logSoftmax,
            .logSoftmaxGradient:
            runReduction()
        case .rmsNorm, .rmsNormGradient, .rmsNormWeightGradient, .layerNorm, .layerNormGradient,
            .layerNormWeightGradient:
            runNorm()
        case .matmul(let transposeLeft, let transposeRight, let storage, let precision):
            runProduct(transposeLeft, transposeRight, storage, precision)
        case .groupedMatmul(let groups, let transposeRight):
            runGroupedProduct(groups, transposeRight)
        case .expertProduct(let product, let storage, let rounds):
            runExpertProduct(product, storage, rounds)
        case .expertWeightGradient(let product, let expert):
            runExpertWeightGradient(product, expert)
        case .topK(let count):
            runTopK(count)
        case .blocks(let operation):
            runBlocks(operation)
        case .transpose, .replaceColumns, .padColumns, .concatenateColumns:
            runLayout()
        case .gatherRows, .scatterRows, .scatterAddRows:
            return runRows()
        case .rotaryTables(let factor):
            runRotaryTables(factor)
        case .rotate(let attributes):
            runRotation(attributes)
        case .crossEntropy, .crossEntropyGradient, .linearCrossEntropy:
            return runLoss()
        case .uniform, .normal, .dropoutMask:
            runRandom()
        case .attention, .attentionGradient, .pairs:
            return false
        }
        return true
    }
}
