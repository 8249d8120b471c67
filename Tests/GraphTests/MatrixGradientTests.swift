import Testing

@testable import Graph

@Suite struct MatrixGradientTests {
    @Test(arguments: [false, true], [false, true])
    func matmul(_ transposeLeft: Bool, _ transposeRight: Bool) throws {
        let operation = Operation.matmul(transposeLeft: transposeLeft, transposeRight: transposeRight)
        for biased in [false, true] {
            try GradientCase("[2, 3] · [3, 4], biased: \(biased)") {
                let a = transposeLeft ? $0.variable(3, 2) : $0.variable(2, 3)
                let b = transposeRight ? $0.variable(4, 3) : $0.variable(3, 4)
                return $0.builder.results(operation, biased ? [a, b, $0.variable(1, 4)] : [a, b])[0]
            }.check()
        }
    }

    @Test(
        arguments: [
            GradientCase("x · x") {
                let x = $0.variable(3, 3)
                return x.times(x)
            },
            GradientCase("x · xᵀ") {
                let x = $0.variable(2, 3)
                return x.times(x, transposed: true)
            },
            GradientCase("groupedMatmul") {
                let matrices = $0.builder.constant(
                    ConstantTensor(name: "m", rows: 6, columns: 2, values: (0..<12).map { Double($0 * 5 % 7) - 3 }))
                let groups = $0.indices("g", [1, 0, 1, 1], symbol: "n")
                let x = $0.variable(4, 3, symbol: "n")
                let y = $0.builder.node(.groupedMatmul(groups: 2, transposeRight: false), x, matrices, groups)
                return $0.builder.node(.groupedMatmul(groups: 2, transposeRight: true), y, matrices, groups)
            },
            GradientCase("transpose") { $0.variable(2, 3).transposed() },
            GradientCase("sliceColumns") { $0.variable(2, 5).columns(1..<3) },
            GradientCase("replaceColumns") { $0.variable(2, 5).replacingColumns(from: 2, with: $0.variable(2, 2)) },
            GradientCase("padColumns") { $0.builder.node(.padColumns(start: 1, total: 5), $0.variable(2, 3)) },
            GradientCase("concatenateColumns") {
                let x = $0.variable(2, 1)
                return $0.builder.node(.concatenateColumns, x, $0.variable(2, 3), x)
            },
            GradientCase("gatherRows, repeated and left out") {
                $0.variable(4, 2, symbol: "n").rows(at: $0.indices("i", [2, 0, 2, 2, 3], symbol: "k"))
            },
            GradientCase("scatterRows") {
                $0.variable(4, 2, symbol: "n").replacingRows(
                    at: $0.indices("i", [3, 1], symbol: "k"), with: $0.variable(2, 2, symbol: "k"))
            },
            GradientCase("scatterRows of no row") {
                $0.variable(2, 2).replacingRows(
                    at: $0.indices("i", [], symbol: "k"), with: $0.variable(0, 2, symbol: "k"))
            },
            GradientCase("scatterAddRows, repeated") {
                $0.builder.node(
                    .scatterAddRows(count: 4), $0.variable(3, 2, symbol: "k"),
                    $0.indices("i", [1, 3, 1], symbol: "k"))
            },
        ])
    func layout(_ check: GradientCase) throws { try check.check() }

    @Test(
        arguments: [
            GradientCase("rmsNorm") {
                $0.builder.node(.rmsNorm(RMSNormAttributes(epsilon: 1e-3)), $0.variable(3, 5), $0.variable(1, 5))
            },
            GradientCase("rmsNorm per head with an offset") {
                let attributes = RMSNormAttributes(epsilon: 0.1, weightOffset: 1, groups: 3)
                return $0.builder.node(.rmsNorm(attributes), $0.variable(2, 6), $0.variable(1, 2))
            },
            GradientCase("layerNorm") {
                $0.builder.node(
                    .layerNorm(epsilon: 1e-3), $0.variable(3, 5), $0.variable(1, 5), $0.variable(1, 5))
            },
            GradientCase("layerNorm of a single row") {
                $0.builder.node(
                    .layerNorm(epsilon: 1e-3), $0.variable(1, 4), $0.variable(1, 4), $0.variable(1, 4))
            },
            GradientCase("crossEntropy with an ignored row") {
                $0.builder.node(.crossEntropy, $0.variable(3, 4), $0.indices("targets", [2, -100, 0]))
            },
            GradientCase("linearCrossEntropy with an ignored row") {
                let values: [Double] = [0.3, -1, 0.7, 1.2, 0.1, -0.4, -0.9, 0.8, 0.5, 2, -0.6, 0.2]
                let matrix = $0.builder.constant(ConstantTensor(name: "matrix", rows: 4, columns: 3, values: values))
                return $0.builder.node(
                    .linearCrossEntropy, $0.variable(3, 3), matrix, $0.indices("targets", [2, -100, 0]))
            },
            GradientCase("dropout") {
                let seed = $0.indices("seed", [11])
                let attributes = RandomAttributes(.dropoutMask(keep: 0.5), stream: 3, shape: Shape(4, 3))
                return $0.variable(4, 3) * $0.builder.node(.random(attributes), seed)
            },
        ])
    func normsAndLoss(_ check: GradientCase) throws { try check.check() }
}
