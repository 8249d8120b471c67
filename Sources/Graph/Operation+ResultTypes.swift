extension Operation {
    /// The types of the results for inputs of the given types, or what is wrong with them.
    ///
    /// Extents are compared as dimensions: a number equals the same number, a symbol the same symbol. Leaves have no
    /// inputs to infer from; their types are given where they are made.
    public func resultTypes(for inputs: [ValueType]) -> Result<[ValueType], TypeMismatch> {
        do throws(TypeMismatch) {
            return .success(try inferred(TypedInputs(operation: self, types: inputs)))
        } catch {
            return .failure(error)
        }
    }

    private func inferred(_ inputs: TypedInputs) throws(TypeMismatch) -> [ValueType] {
        switch self {
        case .input, .weight, .parameter, .constant:
            throw TypeMismatch("\(name) is a leaf: its type is declared, not inferred")
        case .scalar:
            return [.real(1, 1)]
        case .unary, .affine, .softmax, .logSoftmax:
            try inputs.count(1)
            return [try inputs.real(0)]
        case .unaryGradient, .softmaxGradient, .logSoftmaxGradient:
            try inputs.count(2)
            try inputs.same(0, 1)
            return [try inputs.real(0)]
        case .binary:
            try inputs.count(2)
            return [ValueType(.real, try inputs.broadcast(0, 1))]
        case .gated:
            try inputs.count(2)
            try inputs.same(0, 1)
            return [try inputs.real(0)]
        case .gatedGradient:
            try inputs.count(3)
            try inputs.same(0, 1)
            try inputs.same(0, 2)
            return [try inputs.real(0), try inputs.real(1)]
        case .sum(let axis):
            try inputs.count(1)
            let shape = try inputs.real(0).shape
            switch axis {
            case .rows: return [.real(1, shape.columns)]
            case .columns: return [.real(shape.rows, 1)]
            case .all: return [.real(1, 1)]
            }
        case .broadcast(let target):
            try inputs.count(1)
            let shape = try inputs.real(0).shape
            guard shape.rows == target.rows || shape.rows == 1, shape.columns == target.columns || shape.columns == 1
            else { throw TypeMismatch("\(shape) can not be repeated to \(target): only an extent of 1 is repeated") }
            return [ValueType(.real, target)]
        case .rmsNorm(let attributes):
            try inputs.count(2)
            try inputs.normWeight(1, groups: attributes.groups)
            return [try inputs.real(0)]
        case .rmsNormGradient(let attributes), .rmsNormWeightGradient(let attributes):
            try inputs.count(3)
            try inputs.normWeight(1, groups: attributes.groups)
            try inputs.same(0, 2)
            if case .rmsNormGradient = self { return [try inputs.real(0)] }
            return [try inputs.real(1)]
        case .layerNorm:
            try inputs.count(3)
            try inputs.normWeight(1, groups: 1)
            try inputs.normWeight(2, groups: 1)
            return [try inputs.real(0)]
        case .layerNormGradient:
            try inputs.count(3)
            try inputs.normWeight(1, groups: 1)
            try inputs.same(0, 2)
            return [try inputs.real(0)]
        case .layerNormWeightGradient:
            try inputs.count(2)
            try inputs.same(0, 1)
            return [.real(1, try inputs.real(0).shape.columns)]
        case .matmul(let transposeLeft, let transposeRight):
            return [try inputs.product(transposeLeft: transposeLeft, transposeRight: transposeRight)]
        case .groupedMatmul(let groups, let transposeRight):
            return [try inputs.groupedProduct(groups: groups, transposeRight: transposeRight)]
        case .transpose:
            try inputs.count(1)
            let shape = try inputs.real(0).shape
            return [.real(shape.columns, shape.rows)]
        case .sliceColumns(let start, let count):
            try inputs.count(1)
            let shape = try inputs.real(0).shape
            try inputs.columns(0, contain: start, count)
            return [.real(shape.rows, .fixed(count))]
        case .replaceColumns(let start):
            try inputs.count(2)
            let base = try inputs.real(0).shape
            let part = try inputs.real(1).shape
            guard base.rows == part.rows, let count = part.columns.fixedValue else {
                throw TypeMismatch("\(part) can not replace columns of \(base): the rows differ")
            }
            try inputs.columns(0, contain: start, count)
            return [try inputs.real(0)]
        case .padColumns(let start, let total):
            try inputs.count(1)
            let shape = try inputs.real(0).shape
            guard let count = shape.columns.fixedValue, start >= 0, start <= total, count <= total - start else {
                throw TypeMismatch("\(shape) at column \(start) does not fit into \(total) columns")
            }
            return [.real(shape.rows, .fixed(total))]
        case .concatenateColumns:
            return [try inputs.concatenated()]
        case .blocks(let operation):
            return [try inputs.blocks(operation)]
        case .topK(let count):
            return try inputs.topK(count)
        case .expertProduct(let product):
            return [try inputs.expertProduct(product)]
        case .expertWeightGradient(let product, _):
            return [try inputs.expertWeightGradient(product)]
        case .gatherRows:
            try inputs.count(2)
            return [.real(try inputs.index(1), try inputs.real(0).shape.columns)]
        case .scatterRows:
            try inputs.count(3)
            let base = try inputs.real(0).shape
            let rows = try inputs.real(2).shape
            let count = try inputs.index(1)
            guard rows.rows == count, rows.columns == base.columns else {
                throw TypeMismatch("\(rows) can not replace \(count) rows of \(base)")
            }
            return [try inputs.real(0)]
        case .scatterAddRows(let count):
            try inputs.count(2)
            let rows = try inputs.real(0).shape
            let indices = try inputs.index(1)
            guard rows.rows == indices else {
                throw TypeMismatch("\(rows) has another number of rows than the \(indices) indices")
            }
            return [.real(count, rows.columns)]
        case .rotaryCosine, .rotarySine:
            try inputs.count(2)
            let (positions, frequencies) = (try inputs.index(0), try inputs.real(1).shape)
            guard frequencies.rows == 1 else {
                throw TypeMismatch("\(name) needs one row of frequencies, not \(frequencies)")
            }
            return [.real(positions, frequencies.columns)]
        case .rotate(let attributes):
            return [try inputs.rotated(attributes)]
        case .attention(let attributes):
            return try inputs.attention(attributes)
        case .attentionGradient(let attributes):
            return try inputs.attentionGradient(attributes)
        case .attentionScores(let attributes): return [try inputs.scores(attributes)]
        case .attentionScoresGradient(let attributes): return try inputs.scoresGradient(attributes)
        case .attentionPattern(let attributes): return [try inputs.pattern(attributes)]
        case .attentionPatternGradient(let attributes): return [try inputs.patternGradient(attributes)]
        case .attentionMix(let attributes): return [try inputs.mix(attributes)]
        case .attentionMixGradient(let attributes): return try inputs.mixGradient(attributes)
        case .positionBias(let attributes): return [try inputs.positionBias(attributes)]
        case .positionBiasGradient(let attributes): return [try inputs.positionBiasGradient(attributes)]
        case .crossEntropy:
            try inputs.count(2)
            let logits = try inputs.real(0).shape
            guard try inputs.index(1) == logits.rows else {
                throw TypeMismatch("\(logits) logits need one target for each row")
            }
            return [.real(logits.rows, 1)]
        case .crossEntropyGradient:
            try inputs.count(3)
            let logits = try inputs.real(0).shape
            let adjoint = try inputs.real(2).shape
            guard try inputs.index(1) == logits.rows, adjoint == Shape(logits.rows, 1) else {
                throw TypeMismatch("\(logits) logits need one target and one adjoint for each row")
            }
            return [try inputs.real(0)]
        case .linearCrossEntropy:
            try inputs.count(3)
            let (rows, matrix) = (try inputs.real(0).shape, try inputs.real(1).shape)
            guard rows.columns == matrix.columns else {
                throw TypeMismatch("\(rows) · \(matrix)ᵀ: \(rows.columns) columns meet \(matrix.columns) rows")
            }
            guard try inputs.index(2) == rows.rows else {
                throw TypeMismatch("\(rows) rows need one target for each row")
            }
            return [.real(rows.rows, 1), try inputs.real(0)]
        case .random(let attributes):
            try inputs.count(1)
            guard try inputs.index(0) == 1 else {
                throw TypeMismatch("random needs one seed, not \(inputs.types[0])")
            }
            return [ValueType(.real, attributes.shape)]
        }
    }
}

/// Input types that an operation does not accept, said in a sentence.
public struct TypeMismatch: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
