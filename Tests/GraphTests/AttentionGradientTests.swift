import Testing

@testable import Graph

@Suite struct AttentionGradientTests {
    @Test(
        arguments: [
            RotaryAttributes(heads: 2, headSize: 4), RotaryAttributes(heads: 2, headSize: 4, interleaved: true),
            RotaryAttributes(heads: 1, headSize: 6), RotaryAttributes(heads: 1, headSize: 5, interleaved: true),
            RotaryAttributes(heads: 2, headSize: 4, inverse: true),
        ])
    func rotate(_ attributes: RotaryAttributes) throws {
        try GradientCase("\(attributes)") {
            let positions = $0.indices("positions", [0, 3, 1], symbol: "n")
            let frequencies = $0.builder.constant(
                ConstantTensor(name: "frequencies", rows: 1, columns: 2, values: [1, 0.2]))
            return $0.builder.node(
                .rotate(attributes), $0.variable(3, attributes.heads * attributes.headSize, symbol: "n"),
                $0.builder.node(.rotaryCosine(factor: 1.1), positions, frequencies),
                $0.builder.node(.rotarySine(factor: 1.1), positions, frequencies))
        }.check()
    }

    @Test(
        arguments: [
            AttentionCase(lengths: [3, 1, 2], AttentionAttributes(heads: 2, keyHeads: 2, headSize: 3, causal: true)),
            AttentionCase(lengths: [2, 3], AttentionAttributes(heads: 2, keyHeads: 2, headSize: 2, causal: false)),
            AttentionCase(lengths: [4], AttentionAttributes(heads: 4, keyHeads: 2, headSize: 2, causal: true)),
            AttentionCase(
                lengths: [3], AttentionAttributes(heads: 3, keyHeads: 1, headSize: 2, valueSize: 3, causal: true)),
            AttentionCase(
                lengths: [5, 1], AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true, window: 2)),
            AttentionCase(
                lengths: [4], AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: false, window: 2)),
            AttentionCase(
                lengths: [3], AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, softCap: 0.7, causal: true)),
            AttentionCase(
                lengths: [2, 1], parameterKeys: 2,
                AttentionAttributes(
                    heads: 4, keyHeads: 2, headSize: 2, scale: 0.9, causal: true, hasParameterKeys: true)
            ),
            AttentionCase(
                lengths: [3, 1], stored: [2, 0],
                AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true, window: 3, store: 4)),
            AttentionCase(
                lengths: [2, 0, 1], stored: [1, 3, 2], parameterKeys: 1,
                AttentionAttributes(
                    heads: 2, keyHeads: 2, headSize: 2, valueSize: 1, softCap: 1.5, causal: true,
                    hasParameterKeys: true, store: 0)),
        ])
    func attention(_ attention: AttentionCase) throws {
        try GradientCase(attention.testDescription, attention.build).check()
    }

    @Test func oneValueAsQueryKeyAndValue() throws {
        try GradientCase("self-attention without projections") {
            let x = $0.variable(4, 2, symbol: "n")
            return $0.builder.node(
                .attention(AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true)), x, x, x,
                $0.indices("offsets", [0, 3, 4]))
        }.check()
    }

    @Test func theSecondResultHasNoGradient() throws {
        let check = GradientCheck(seed: 1)
        let x = check.variable(2, 2)
        let results = check.builder.results(
            .attention(AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true)),
            [x, x, x, check.indices("offsets", [0, 2])])
        let loss = results[1].sum(.all)
        let graph = try check.builder.finish()
        #expect {
            try graph.differentiating(loss.id, withRespectTo: [x.id])
        } throws: {
            "\($0)" == "gradient of graph: attention has a gradient only through its first result"
        }
    }
}

/// Attention over random queries, keys and values.
struct AttentionCase: Sendable, CustomTestStringConvertible {
    let lengths: [Int]
    let stored: [Int]?
    let parameterKeys: Int
    let attributes: AttentionAttributes

    init(lengths: [Int], stored: [Int]? = nil, parameterKeys: Int = 0, _ attributes: AttentionAttributes) {
        self.lengths = lengths
        self.stored = stored
        self.parameterKeys = parameterKeys
        self.attributes = attributes
    }

    var testDescription: String { "sequences of \(lengths), stored \(stored ?? []), \(attributes)" }

    var build: @Sendable (GradientCheck) -> Value {
        { check in
            let rows = lengths.reduce(0, +)
            let keyColumns = attributes.keyHeads * attributes.headSize
            let valueColumns = attributes.keyHeads * attributes.valueSize
            var offsets: [Int32] = [0]
            for length in lengths { offsets.append(offsets[offsets.count - 1] + Int32(length)) }
            var inputs = [
                check.variable(rows, attributes.heads * attributes.headSize, symbol: "rows"),
                check.variable(rows, keyColumns, symbol: "rows"), check.variable(rows, valueColumns, symbol: "rows"),
                check.indices("offsets", offsets, symbol: "bounds"),
            ]
            if parameterKeys > 0 {
                inputs += [check.variable(parameterKeys, keyColumns), check.variable(parameterKeys, valueColumns)]
            }
            if let stored, let slot = attributes.store {
                check.store(slot, stored, keyColumns: keyColumns, valueColumns: valueColumns)
            }
            return check.builder.results(.attention(attributes), inputs)[0]
        }
    }
}
