import Testing

@testable import Graph

@Suite struct ElementwiseGradientTests {
    @Test(arguments: UnaryFunction.allCases)
    func unary(_ function: UnaryFunction) throws {
        // Away from the corners of relu and of the absolute value, and within the domain of roots and logarithms.
        try GradientCase("positive") { $0.variable(3, 2, in: 0.2...2).applying(function) }.check()
        switch function {
        case .squareRoot, .reciprocalSquareRoot, .logarithm: break
        default: try GradientCase("negative") { $0.variable(2, 3, in: -2...(-0.2)).applying(function) }.check()
        }
    }

    @Test(arguments: [UnaryFunction.relu, .sigmoid, .tanh, .silu, .gelu, .geluTanh, .quickGelu])
    func gated(_ function: UnaryFunction) throws {
        try GradientCase("gated") {
            $0.builder.node(.gated(function), $0.variable(3, 2, in: 0.2...1), $0.variable(3, 2))
        }.check()
        try GradientCase("gated by itself") {
            let x = $0.variable(2, 2, in: -2...(-0.2))
            return $0.builder.node(.gated(function), x, x)
        }.check()
    }

    /// The larger operand is 3 × 2; all ways in which one side or both are repeated.
    @Test(
        arguments: BinaryFunction.allCases.filter { $0 != .greater },
        [
            ((3, 2), (3, 2)), ((3, 2), (1, 2)), ((3, 2), (3, 1)), ((3, 2), (1, 1)), ((1, 2), (3, 2)),
            ((3, 1), (3, 2)), ((1, 1), (3, 2)), ((3, 1), (1, 2)), ((1, 2), (3, 1)), ((1, 1), (1, 1)),
        ])
    func binary(_ function: BinaryFunction, _ extents: ((Int, Int), (Int, Int))) throws {
        let (left, right) = extents
        try GradientCase("\(function) of \(left) and \(right)") {
            $0.variable(left.0, left.1, in: 0.5...1.5).applying(
                function, $0.variable(right.0, right.1, in: 0.5...1.5))
        }.check()
    }

    @Test func symbolicRowsThatHappenToBeOne() throws {
        try GradientCase("[n, 2] · [1, 2] with n = 1") { $0.variable(1, 2, symbol: "n") * $0.variable(1, 2) }.check()
        try GradientCase("[n, 2] · [n, 1]") {
            $0.variable(3, 2, symbol: "n") * $0.variable(3, 1, symbol: "n")
        }.check()
    }

    @Test func greaterHasNoSlope() throws {
        let builder = GraphBuilder()
        let x = builder.parameter("x", rows: 1, columns: 2)
        let loss = x.applying(.greater, builder.scalar(0)).sum(.all)
        let result = try builder.finish().differentiating(loss.id, withRespectTo: [x.id])
        #expect(result.gradients == [nil])
    }

    @Test(
        arguments: [
            GradientCase("affine") { $0.variable(2, 3).affine(factor: -2.5, offset: 4) },
            GradientCase("sum of rows") { $0.variable(3, 2).sum(.rows) },
            GradientCase("sum of columns") { $0.variable(3, 2, symbol: "n").sum(.columns) },
            GradientCase("sum of all") { $0.variable(3, 2).sum(.all) },
            GradientCase("broadcast of a row") { $0.variable(1, 3).broadcast(to: Shape(4, 3)) },
            GradientCase("broadcast of a column") { $0.variable(4, 1).broadcast(to: Shape(4, 3)) },
            GradientCase("broadcast of a number") { $0.variable(1, 1).broadcast(to: Shape(4, 3)) },
            GradientCase("softmax") { $0.variable(3, 5).softmax() },
            GradientCase("logSoftmax") { $0.builder.node(.logSoftmax, $0.variable(3, 5)) },
        ])
    func reductions(_ check: GradientCase) throws { try check.check() }
}
