import Testing

@testable import Graph

/// Values shared between several users, and graphs put together at random from differentiable operations.
@Suite struct RandomGraphTests {
    @Test(
        arguments: [
            GradientCase("one value on both sides and in two products") {
                let x = $0.variable(3, 3, symbol: nil)
                return (x * x + x.times(x)).times(x, transposed: true) - x
            },
            GradientCase("a residual stream of two blocks with one shared weight") {
                let (x, w) = ($0.variable(4, 3, symbol: "rows"), $0.variable(3, 3))
                let first = x + x.times(w).applying(.tanh)
                return first + first.times(w).applying(.gelu)
            },
            GradientCase("an edit of rows beside what was not edited") {
                let (x, w) = ($0.variable(4, 3, symbol: "rows"), $0.variable(2, 3))
                let i = $0.indices("i", [3, 1], symbol: "edited")
                let rows = x.rows(at: i)
                let edited = x.replacingRows(at: i, with: rows + rows.times(w, transposed: true).times(w))
                return edited * x.softmax()
            },
            GradientCase("LoReFT: h + (h W + b − h R) Rᵀ") {
                let (h, r, w, b) = (
                    $0.variable(4, 5, symbol: "rows"), $0.variable(5, 2), $0.variable(5, 2), $0.variable(1, 2)
                )
                return h + (h.times(w) + b - h.times(r)).times(r, transposed: true)
            },
        ])
    func sharedUse(_ check: GradientCase) throws { try check.check() }

    @Test(arguments: Array(UInt64(0)..<20))
    func composition(_ seed: UInt64) throws {
        try GradientCase("composition \(seed)") { RandomComposition(check: $0).value(steps: 8) }.check(seed: seed)
    }

    /// Every pass keeps the numbers and leaves a well-formed graph, and gradients of the result are those of the original.
    @Test(arguments: Array(UInt64(100)..<112))
    func passesKeepValuesAndGradients(_ seed: UInt64) throws {
        let check = GradientCheck(seed: seed)
        let output = RandomComposition(check: check).value(steps: 10)
        let loss = output.sum(.all)
        let graph = try check.builder.finish()
        let targets = check.variables.map(\.value.id)
        let plain = try graph.differentiating(loss.id, withRespectTo: targets)
        let expected = try Interpreter(plain.graph).evaluate(
            [output.id] + plain.gradients.compactMap { $0 }, bindings: check.bindings)

        let rewrite = GraphRewrite(of: graph)
            .then { $0.mergingCommonSubexpressions() }
            .then { $0.fusing(keeping: []) }
        let newTargets = try targets.map { try #require(rewrite[$0]) }
        let fused = try rewrite.graph.differentiating(
            try #require(rewrite[loss.id]), withRespectTo: newTargets)
        let wanted = [try #require(rewrite[output.id])] + fused.gradients.compactMap { $0 }
        let merged = fused.graph.mergingCommonSubexpressions()
        let kept = try wanted.map { try #require(merged[$0]) }
        let final = merged.graph.removingDeadNodes(keeping: kept)
        #expect(final.graph.verify().map(\.description) == [])
        let found = try Interpreter(final.graph).evaluate(
            try kept.map { try #require(final[$0]) }, bindings: check.bindings)
        try #require(found.count == expected.count)
        for (left, right) in zip(found, expected) {
            #expect(left.rows == right.rows && left.columns == right.columns)
            let scale = max(right.values.map { abs($0) }.max() ?? 0, 1e-6)
            let worst = zip(left.values, right.values).map { abs($0 - $1) / scale }.max() ?? 0
            #expect(worst < 1e-12)
        }
    }
}

/// A value made by random steps from random earlier values, all of them [rows, 4].
struct RandomComposition {
    let check: GradientCheck

    func value(steps: Int) -> Value {
        let rows = 4
        var pool = [
            check.variable(rows, 4, symbol: "rows", in: -1...1), check.variable(rows, 4, symbol: "rows", in: -1...1),
        ]
        let (square, row, column) = (
            check.variable(4, 4, in: -0.7...0.7), check.variable(1, 4), check.variable(rows, 1, symbol: "rows")
        )
        let indices = check.indices("indices", [2, 0, 3, 1], symbol: "rows")
        let few = check.indices("few", [3, 1], symbol: "few")
        let offsets = check.indices("offsets", [0, 1, 4], symbol: "bounds")
        // Every variable has to reach the output.
        pool.append(pool[0].times(square) + row * column)
        for _ in 0..<steps {
            let (a, b) = (pool[check.index(below: pool.count)], pool[check.index(below: pool.count)])
            pool.append(step(a, b, square, row, column, indices, few, offsets))
        }
        return pool.dropFirst().reduce(pool[0]) { $0 + $1 }
    }

    private func step(
        _ a: Value, _ b: Value, _ square: Value, _ row: Value, _ column: Value, _ indices: Value, _ few: Value,
        _ offsets: Value
    ) -> Value {
        let builder = check.builder
        switch check.index(below: 16) {
        case 0: return a + b
        case 1: return (a * b).applying(.tanh)
        case 2: return a.applying(.tanh) - row
        case 3: return (a * column).applying(.sigmoid)
        case 4: return a.times(square)
        case 5: return a.linear(square, bias: row)
        case 6: return a.softmax() * b.applying(.silu)
        case 7: return a.applying(.gelu) * b.applying(.tanh)
        case 8: return a.rows(at: indices)
        case 9: return a.replacingRows(at: few, with: b.rows(at: few).times(square))
        case 10: return a.replacingColumns(from: 1, with: b.columns(2..<4))
        case 11: return builder.node(.concatenateColumns, b.columns(3..<4), a.columns(0..<3))
        case 12: return builder.node(.rmsNorm(RMSNormAttributes(epsilon: 0.1, groups: 1)), a, row)
        case 13: return builder.node(.layerNorm(epsilon: 0.1), a, row, b.sum(.rows))
        case 14:
            let attributes = AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true)
            return builder.node(.attention(attributes), a, b.columns(0..<2), b.columns(2..<4), offsets)
        default: return a / (b * b + 1)
        }
    }
}
