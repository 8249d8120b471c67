import Testing

@testable import Graph

/// Which paths get gradients, and what is said where there is no rule.
@Suite struct DifferentiationTests {
    private let builder = GraphBuilder(provenance: .model("mlp"))

    @Test func onlyNeededPathsAreDifferentiated() throws {
        let x = builder.input("x", .real(2, 3))
        let (w, r) = (builder.weight("w", rows: 3, columns: 3), builder.parameter("r", rows: 3, columns: 1))
        let below = x.times(w).applying(.exponential)
        let loss = below.times(r).sum(.all)
        let graph = try builder.finish()
        let result = try graph.differentiating(loss.id, withRespectTo: [r.id])
        let added = result.graph.nodes[graph.nodes.count...].map(\.operation)
        // d r = belowᵀ · dy: nothing of the frozen layer below, and no gradient of what enters the product.
        #expect(
            added == [
                .scalar(1), .broadcast(Shape(2, 1)), .matmul(transposeLeft: true, transposeRight: false),
            ])
        #expect(Array(result.graph.nodes[..<graph.nodes.count]) == graph.nodes)
        #expect(result.graph.nodes[graph.nodes.count + 2].provenance == .gradient(of: .model("mlp")))
    }

    @Test func valuesWithinTheGraphAreTargetsToo() throws {
        let x = builder.parameter("x", rows: 1, columns: 2)
        let hidden = x.affine(factor: 3, offset: 0)
        let loss = (hidden * hidden).sum(.all)
        let unrelated = builder.parameter("unrelated", rows: 1, columns: 1)
        let result = try builder.finish().differentiating(
            loss.id, withRespectTo: [hidden.id, unrelated.id, loss.id, x.id])
        #expect(result.gradients[1] == nil)
        var bindings = Interpreter.Bindings()
        bindings.parameters["x"] = Matrix64(rows: 1, columns: 2, values: [1, -2])
        let found = try Interpreter(result.graph).evaluate(result.gradients.compactMap { $0 }, bindings: bindings)
        #expect(found.map(\.values) == [[6, -12], [1], [18, -36]])
    }

    @Test func gradientsHaveNoGradients() throws {
        let y = builder.parameter("y", rows: 1, columns: 2)
        let loss = builder.node(.unaryGradient(.tanh), y, y).sum(.all)
        let graph = try builder.finish()
        #expect {
            try graph.differentiating(loss.id, withRespectTo: [y.id])
        } throws: {
            "\($0)" == "gradient of mlp: tanhGradient has no derivative rule"
        }
    }

    @Test func trainedFrequenciesAreRefused() throws {
        let positions = builder.input("positions", .indices(1))
        let frequencies = builder.parameter("frequencies", rows: 1, columns: 1)
        let cosine = builder.node(.rotaryCosine(factor: 1), positions, frequencies)
        let x = builder.input("x", .real(1, 2))
        let rotated = builder.node(.rotate(RotaryAttributes(heads: 1, headSize: 2)), x, cosine, cosine)
        let graph = try builder.finish()
        for (value, message) in [
            (rotated, "gradient of mlp: rotate has no derivative rule"),
            (cosine, "gradient of mlp: rotaryCosine has no derivative rule"),
        ] {
            let onward = GraphBuilder(graph, provenance: .model("mlp"))
            let loss = onward.value(value.id).sum(.all)
            let extended = try onward.finish()
            #expect {
                try extended.differentiating(loss.id, withRespectTo: [frequencies.id])
            } throws: {
                "\($0)" == message
            }
        }
    }
}
