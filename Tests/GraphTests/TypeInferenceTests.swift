import Testing

@testable import Graph

/// What the builder says about operations on values that do not fit, word for word.
@Suite struct TypeInferenceTests {
    private let builder = GraphBuilder(provenance: .user("test"))

    private func real(_ rows: Dimension, _ columns: Dimension) -> Value {
        builder.input("[\(rows), \(columns)]", .real(rows, columns))
    }

    private var indices: Value { builder.input("three", .indices(3)) }

    private func message(_ operation: Operation, _ inputs: [Value]) -> String {
        switch operation.resultTypes(for: inputs.map(\.type)) {
        case .success(let types): "\(types)"
        case .failure(let mismatch): mismatch.description
        }
    }

    @Test func countsAndKinds() {
        #expect(message(.softmax, []) == "softmax takes 1 inputs, 0 were given")
        #expect(message(.binary(.add), [real(2, 3)]) == "add takes 2 inputs, 1 were given")
        #expect(message(.unary(.relu), [indices]) == "relu needs numbers as input 0, not indices")
        #expect(
            message(.gatherRows, [real(4, 2), real(3, 1)])
                == "gatherRows needs a list of indices as input 1, not [3, 1]")
        #expect(message(.input("x"), []) == "input is a leaf: its type is declared, not inferred")
    }

    @Test func elementwise() {
        #expect(
            message(.binary(.add), [real(2, 3), real(2, 4)])
                == "add of [2, 3] and [2, 4]: only an extent of 1 is repeated")
        #expect(
            message(.binary(.multiply), [real(.named("a.rows"), 3), real(.named("b.rows"), 3)])
                == "multiply of [a.rows, 3] and [b.rows, 3]: only an extent of 1 is repeated")
        #expect(
            message(.gated(.silu), [real(2, 3), real(1, 3)]) == "gated.silu needs equal shapes, not [2, 3] and [1, 3]")
        #expect(
            message(.broadcast(Shape(4, 3)), [real(2, 3)])
                == "[2, 3] can not be repeated to [4, 3]: only an extent of 1 is repeated")
    }

    @Test func norms() {
        #expect(
            message(.rmsNorm(RMSNormAttributes(epsilon: 0, groups: 4)), [real(2, 6), real(1, 2)])
                == "rmsNorm of [2, 6] in 4 groups can not use a weight of [1, 2]")
        #expect(
            message(.layerNorm(epsilon: 0), [real(2, 6), real(1, 6), real(1, 5)])
                == "layerNorm of [2, 6] in 1 groups can not use a weight of [1, 5]")
    }

    @Test func productsAndLayout() {
        let plain = Operation.matmul(transposeLeft: false, transposeRight: false)
        #expect(message(plain, [real(2, 3), real(4, 5)]) == "[2, 3] · [4, 5]: 3 columns meet 4 rows")
        #expect(
            message(.matmul(transposeLeft: true, transposeRight: true), [real(2, 3), real(4, 5)])
                == "[2, 3]ᵀ · [4, 5]ᵀ: 2 columns meet 5 rows")
        #expect(
            message(plain, [real(2, 3), real(3, 5), real(1, 4)])
                == "a bias of [1, 4] does not fit a product of 5 columns")
        #expect(message(plain, [real(2, 3)]) == "matmul takes 2 inputs and perhaps a bias, 1 were given")
        #expect(message(.sliceColumns(start: 2, count: 2), [real(2, 3)]) == "columns 2..<4 are not within [2, 3]")
        #expect(message(.sliceColumns(start: 4, count: .max), [real(2, 3)]).hasSuffix("are not within [2, 3]"))
        #expect(
            message(.replaceColumns(start: 0), [real(2, 3), real(4, 1)])
                == "[4, 1] can not replace columns of [2, 3]: the rows differ")
        #expect(
            message(.padColumns(start: 2, total: 4), [real(2, 3)]) == "[2, 3] at column 2 does not fit into 4 columns")
        #expect(message(.concatenateColumns, [real(2, 3), real(3, 3)]) == "[3, 3] can not stand beside [2, 3]")
        #expect(message(.concatenateColumns, []) == "concatenateColumns needs at least one part")
    }

    @Test func rows() {
        #expect(
            message(.scatterRows, [real(9, 2), indices, real(2, 2)]) == "[2, 2] can not replace 3 rows of [9, 2]")
        #expect(
            message(.scatterAddRows(count: 9), [real(2, 2), indices])
                == "[2, 2] has another number of rows than the 3 indices")
        #expect(message(.crossEntropy, [real(4, 7), indices]) == "[4, 7] logits need one target for each row")
        #expect(
            message(.crossEntropyGradient, [real(3, 7), indices, real(3, 7)])
                == "[3, 7] logits need one target and one adjoint for each row")
        #expect(
            message(.linearCrossEntropy, [real(3, 7), real(9, 8), indices])
                == "[3, 7] · [9, 8]ᵀ: 7 columns meet 8 rows")
        #expect(
            message(.linearCrossEntropy, [real(4, 7), real(9, 7), indices])
                == "[4, 7] rows need one target for each row")
    }

    @Test func rotary() {
        #expect(
            message(.rotaryCosine(factor: 1), [indices, real(2, 4)])
                == "rotaryCosine needs one row of frequencies, not [2, 4]")
        #expect(
            message(.rotate(RotaryAttributes(heads: 2, headSize: 4)), [real(3, 8), real(3, 3), real(3, 3)])
                == "[3, 8] with 2 heads of 4 can not be rotated by [3, 3]")
    }

    @Test func attention() {
        let attributes = AttentionAttributes(heads: 3, keyHeads: 2, headSize: 4, causal: true)
        let x = real(3, 8)
        #expect(
            message(.attention(attributes), [x, x, x, indices]) == "3 query heads can not share 2 key heads evenly")
        let even = AttentionAttributes(heads: 4, keyHeads: 2, headSize: 4, causal: true)
        #expect(
            message(.attention(even), [x, x, x, indices])
                == "query [3, 8], key [3, 8] and value [3, 8] do not fit 4 heads of 4 over 2 key heads")
        #expect(
            message(.attention(even), [real(2, 16), x, x, indices])
                == "query [2, 16], key [3, 8] and value [3, 8] do not fit 4 heads of 4 over 2 key heads")
        let keys = AttentionAttributes(heads: 2, keyHeads: 2, headSize: 4, causal: true, hasParameterKeys: true)
        #expect(
            message(.attention(keys), [x, x, x, indices, real(5, 8), real(4, 8)])
                == "parameter keys [5, 8] and values [4, 8] do not fit keys [3, 8], values [3, 8]")
        let plain = AttentionAttributes(heads: 2, keyHeads: 2, headSize: 4, causal: true)
        #expect(
            message(.attentionGradient(plain), [x, x, x, indices, x, real(3, 4), x])
                == "attentionGradient needs [3, 2] as input 5, not [3, 4]")
    }

    @Test func random() {
        #expect(
            message(.random(RandomAttributes(.normal, stream: 0, shape: Shape(2, 2))), [indices])
                == "random needs one seed, not index[3, 1]")
    }

    @Test func theBuilderCollectsEveryMistake() {
        builder.from(.model("model.layers.3.mlp")) { _ = real(2, 3) + real(2, 4) }
        builder.from(.declaration(index: 1, name: "loreft")) { _ = builder.parameter("r", rows: 2, columns: 1) }
        builder.from(.declaration(index: 2, name: "direft")) { _ = builder.parameter("r", rows: 3, columns: 1) }
        _ = builder.constant(ConstantTensor(name: "short", rows: 2, columns: 2, values: [1]))
        #expect {
            _ = try builder.finish()
        } throws: {
            "\($0)" == """
                model.layers.3.mlp: add of [2, 3] and [2, 4]: only an extent of 1 is repeated
                #2 direft: parameter is used as [3, 1] here and as [2, 1] elsewhere
                test: constant short has 1 numbers, not 2 × 2
                """
        }
    }

    @Test func lossesMustBeScalars() throws {
        let x = builder.parameter("x", rows: 2, columns: 2)
        let graph = try builder.finish()
        #expect {
            try graph.differentiating(x.id, withRespectTo: [x.id])
        } throws: {
            "\($0)" == "gradient of test: only a scalar [1, 1] can be differentiated, not [2, 2]"
        }
    }
}
