/// The value of one attribute of an operation, as printers show it.
enum AttributeValue: Hashable {
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case text(String)
}

extension Operation {
    /// The attributes that are not part of the name, in a fixed order; those at their usual value are left out.
    var attributes: [(name: String, value: AttributeValue)] {
        switch self {
        case .input(let name), .weight(let name), .parameter(let name):
            return [("name", .text(name))]
        case .constant(let index):
            return [("index", .integer(index))]
        case .scalar(let number):
            return [("number", .number(number))]
        case .affine(let factor, let offset):
            return [("factor", .number(factor)), ("offset", .number(offset))]
        case .broadcast(let shape):
            return [("shape", .text(shape.description))]
        case .rmsNorm(let attributes), .rmsNormGradient(let attributes), .rmsNormWeightGradient(let attributes):
            var shown: [(String, AttributeValue)] = [("epsilon", .number(attributes.epsilon))]
            if attributes.weightOffset != 0 { shown.append(("weightOffset", .number(attributes.weightOffset))) }
            if attributes.groups != 1 { shown.append(("groups", .integer(attributes.groups))) }
            return shown
        case .layerNorm(let epsilon), .layerNormGradient(let epsilon), .layerNormWeightGradient(let epsilon):
            return [("epsilon", .number(epsilon))]
        case .matmul(let transposeLeft, let transposeRight):
            var shown: [(String, AttributeValue)] = []
            if transposeLeft { shown.append(("transposeLeft", .flag(true))) }
            if transposeRight { shown.append(("transposeRight", .flag(true))) }
            return shown
        case .groupedMatmul(let groups, let transposeRight):
            return [("groups", .integer(groups))] + (transposeRight ? [("transposeRight", .flag(true))] : [])
        case .sliceColumns(let start, let count):
            return [("start", .integer(start)), ("count", .integer(count))]
        case .replaceColumns(let start):
            return [("start", .integer(start))]
        case .padColumns(let start, let total):
            return [("start", .integer(start)), ("total", .integer(total))]
        case .blocks(let operation):
            return operation.shown
        case .topK(let count):
            return [("count", .integer(count))]
        case .expertProduct(let product):
            return product.shown
        case .expertWeightGradient(let product, let expert):
            return product.shown + [("expert", .integer(expert))]
        case .scatterAddRows(let count):
            return [("count", .text(count.description))]
        case .rotaryCosine(let factor), .rotarySine(let factor):
            return factor == 1 ? [] : [("factor", .number(factor))]
        case .rotate(let attributes):
            var shown: [(String, AttributeValue)] = [
                ("heads", .integer(attributes.heads)), ("headSize", .integer(attributes.headSize)),
            ]
            if attributes.interleaved { shown.append(("interleaved", .flag(true))) }
            if attributes.inverse { shown.append(("inverse", .flag(true))) }
            return shown
        case .attention(let attributes), .attentionGradient(let attributes):
            return attributes.shown
        case .attentionScores(let attributes), .attentionScoresGradient(let attributes),
            .attentionPattern(let attributes), .attentionPatternGradient(let attributes),
            .attentionMix(let attributes), .attentionMixGradient(let attributes):
            return attributes.attention.shown + attributes.rows.shown
        case .positionBias(let attributes), .positionBiasGradient(let attributes):
            return attributes.shown
        case .random(let attributes):
            return attributes.shown
        case .unary, .unaryGradient, .binary, .gated, .gatedGradient, .sum, .softmax, .softmaxGradient, .logSoftmax,
            .logSoftmaxGradient, .transpose, .concatenateColumns, .gatherRows, .scatterRows, .crossEntropy,
            .crossEntropyGradient, .linearCrossEntropy:
            return []
        }
    }
}

extension AttentionAttributes {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        var shown: [(String, AttributeValue)] = [
            ("heads", .integer(heads)), ("keyHeads", .integer(keyHeads)), ("headSize", .integer(headSize)),
        ]
        if valueSize != headSize { shown.append(("valueSize", .integer(valueSize))) }
        shown.append(("scale", .number(scale)))
        if let softCap { shown.append(("softCap", .number(softCap))) }
        shown.append(("causal", .flag(causal)))
        if let window { shown.append(("window", .integer(window))) }
        if hasParameterKeys { shown.append(("parameterKeys", .flag(true))) }
        if let store { shown.append(("store", .integer(store))) }
        return shown
    }
}

extension ColumnBlockOperation {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        switch self {
        case .slice(let blocks): return blocks.shown
        case .pad(let blocks, let total): return blocks.shown + [("total", .integer(total))]
        case .place(let count), .take(let count): return [("count", .integer(count))]
        case .mix, .spread, .dot: return []
        }
    }
}

extension ColumnBlocks {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        [
            ("width", .integer(width)), ("first", .integer(first)), ("stride", .integer(stride)),
            ("count", .integer(count)),
        ]
    }
}

extension ExpertProduct {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        var shown: [(String, AttributeValue)] = [("experts", .integer(experts)), ("slots", .integer(slots))]
        if !transposesMatrices { shown.append(("transposesMatrices", .flag(false))) }
        if sharesInput { shown.append(("sharesInput", .flag(true))) }
        if sumsSlots { shown.append(("sumsSlots", .flag(true))) }
        return shown
    }
}

extension PairRows {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        (hasKeyOffsets ? [("keys", .text("\(keys)"))] : []) + [("pairs", .text("\(pairs)"))]
    }
}

extension PositionBiasAttributes {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        var shown: [(String, AttributeValue)] = [
            ("buckets", .integer(buckets)), ("maximumDistance", .integer(maximumDistance)),
            ("bidirectional", .flag(bidirectional)),
        ]
        if let store { shown.append(("store", .integer(store))) }
        return shown + rows.shown
    }
}

extension RandomAttributes {
    fileprivate var shown: [(name: String, value: AttributeValue)] {
        let stream: (String, AttributeValue) = ("stream", .integer(Int(stream)))
        switch distribution {
        case .uniform: return [("distribution", .text("uniform")), stream]
        case .normal: return [("distribution", .text("normal")), stream]
        case .dropoutMask(let keep):
            return [("distribution", .text("dropoutMask")), ("keep", .number(keep)), stream]
        }
    }
}
