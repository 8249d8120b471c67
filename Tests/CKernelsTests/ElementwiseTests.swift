import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct ElementwiseTests {
        struct Function: Sendable {
            var kind: ck_unary_kind
            var name: String
            var range: ClosedRange<Float>
            var value: @Sendable (Double) -> Double
        }

        static func normalDistribution(_ x: Double) -> Double { 0.5 * (1 + erf(x / 2.0.squareRoot())) }
        static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

        static let functions: [Function] = [
            Function(kind: CK_UNARY_IDENTITY, name: "identity", range: -3...3) { $0 },
            Function(kind: CK_UNARY_NEG, name: "neg", range: -3...3) { -$0 },
            Function(kind: CK_UNARY_RELU, name: "relu", range: -3...3) { max($0, 0) },
            Function(kind: CK_UNARY_GELU, name: "gelu", range: -8...8) { $0 * normalDistribution($0) },
            Function(kind: CK_UNARY_GELU_TANH, name: "gelu_tanh", range: -8...8) {
                0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
            },
            Function(kind: CK_UNARY_QUICK_GELU, name: "quick_gelu", range: -8...8) { $0 * sigmoid(1.702 * $0) },
            Function(kind: CK_UNARY_SILU, name: "silu", range: -30...30) { $0 * sigmoid($0) },
            Function(kind: CK_UNARY_SIGMOID, name: "sigmoid", range: -30...30) { sigmoid($0) },
            Function(kind: CK_UNARY_TANH, name: "tanh", range: -12...12) { tanh($0) },
            Function(kind: CK_UNARY_EXP, name: "exp", range: -10...3) { exp($0) },
            Function(kind: CK_UNARY_LOG, name: "log", range: 0.01...50) { log($0) },
            Function(kind: CK_UNARY_SQRT, name: "sqrt", range: 0.01...50) { $0.squareRoot() },
            Function(kind: CK_UNARY_RSQRT, name: "rsqrt", range: 0.05...50) { 1 / $0.squareRoot() },
            Function(kind: CK_UNARY_RECIPROCAL, name: "reciprocal", range: 0.2...9) { 1 / $0 },
            Function(kind: CK_UNARY_SQUARE, name: "square", range: -3...3) { $0 * $0 },
            Function(kind: CK_UNARY_ABS, name: "abs", range: -3...3) { abs($0) },
            Function(kind: CK_UNARY_SOFTPLUS, name: "softplus", range: -20...20) { log1p(exp($0)) },
            Function(kind: CK_UNARY_ERF, name: "erf", range: -5...5) { erf($0) },
            Function(kind: CK_UNARY_SIN, name: "sin", range: -9...9) { sin($0) },
            Function(kind: CK_UNARY_COS, name: "cos", range: -9...9) { cos($0) },
        ]

        @Test func everyKindIsListed() {
            #expect(Self.functions.count == Int(CK_UNARY_COUNT.rawValue))
        }

        @Test(arguments: functions.indices) func unaryAndItsGradient(_ index: Int) {
            let function = Self.functions[index]
            onEachPath { path in
                for shape in oddShapes {
                    var numbers = TestNumbers(UInt64(index + 1))
                    let x = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers, function.range)
                    let dy = Matrix(shape.rows, shape.cols, gap: 1, from: &numbers)
                    var y = Matrix(shape.rows, shape.cols, gap: 2)
                    let rows = Int64(shape.rows)
                    let cols = Int64(shape.cols)
                    ck_unary(function.kind, rows, cols, x.storage, x.ld, &y.storage, y.ld)
                    expectClose(y, 4e-7, "\(path) \(function.name) \(shape)") { function.value(x.value($0, $1)) }

                    ck_unary_gradient(function.kind, rows, cols, x.storage, x.ld, dy.storage, dy.ld, &y.storage, y.ld)
                    expectClose(y, 2e-6, "\(path) \(function.name) gradient \(shape)") { r, c in
                        let at = x.value(r, c)
                        let step = 1e-6 * max(1, abs(at))
                        return (function.value(at + step) - function.value(at - step)) / (2 * step) * dy.value(r, c)
                    }

                    let up = Matrix(shape.rows, shape.cols, gap: 3, from: &numbers)
                    var dgate = Matrix(shape.rows, shape.cols, gap: 1)
                    var dup = Matrix(shape.rows, shape.cols)
                    ck_gated(function.kind, rows, cols, x.storage, x.ld, up.storage, up.ld, &y.storage, y.ld)
                    expectClose(y, 4e-7, "\(path) gated \(function.name)") {
                        function.value(x.value($0, $1)) * up.value($0, $1)
                    }
                    ck_gated_gradient(
                        function.kind, rows, cols, x.storage, x.ld, up.storage, up.ld, dy.storage, dy.ld,
                        &dgate.storage,
                        dgate.ld, &dup.storage, dup.ld)
                    expectClose(dup, 4e-7, "\(path) gated \(function.name) dup") {
                        function.value(x.value($0, $1)) * dy.value($0, $1)
                    }
                    expectClose(dgate, 2e-6, "\(path) gated \(function.name) dgate") { r, c in
                        let at = x.value(r, c)
                        let step = 1e-6 * max(1, abs(at))
                        let slope = (function.value(at + step) - function.value(at - step)) / (2 * step)
                        return slope * dy.value(r, c) * up.value(r, c)
                    }
                }
            }
        }

        @Test func exponentialAndItsKinAtTheirEdges() {
            onEachPath { path in
                func apply(_ kind: ck_unary_kind, _ x: Float) -> Float {
                    var y: Float = -77
                    ck_unary(kind, 1, 1, [x], 1, &y, 1)
                    return y
                }
                for x in stride(from: Float(-103), through: 88.7, by: 0.37) {
                    let wanted = exp(Double(x))
                    let error = abs(Double(apply(CK_UNARY_EXP, x)) - wanted)
                    #expect(error <= 3e-7 * wanted + 1.5e-45, "\(path) exp(\(x))")
                }
                for x: Float in [0x1p-133, 1e-38, 0.5, 0.70710677, 0.9999999, 1, 1.0000001, 1.414, 3e38] {
                    let wanted = log(Double(x))
                    #expect(
                        abs(Double(apply(CK_UNARY_LOG, x)) - wanted) <= 2e-7 * abs(wanted) + 1e-9, "\(path) log(\(x))")
                }
                #expect(apply(CK_UNARY_EXP, -.infinity) == 0 && apply(CK_UNARY_EXP, -200) == 0)
                #expect(apply(CK_UNARY_EXP, .infinity) == .infinity && apply(CK_UNARY_EXP, 200) == .infinity)
                #expect(
                    apply(CK_UNARY_EXP, .nan).isNaN && apply(CK_UNARY_GELU, .nan).isNaN
                        && apply(CK_UNARY_TANH, .nan).isNaN)
                #expect(apply(CK_UNARY_RELU, .nan).isNaN && apply(CK_UNARY_SOFTPLUS, .nan).isNaN)
                #expect(apply(CK_UNARY_LOG, 0) == -.infinity && apply(CK_UNARY_LOG, -1).isNaN)
                #expect(apply(CK_UNARY_LOG, .infinity) == .infinity && apply(CK_UNARY_LOG, .nan).isNaN)
                #expect(apply(CK_UNARY_TANH, 50) == 1 && apply(CK_UNARY_TANH, -50) == -1)
                #expect(apply(CK_UNARY_TANH, 1e-8) == 1e-8)
                #expect(apply(CK_UNARY_SIGMOID, -200) == 0 && apply(CK_UNARY_SIGMOID, 200) == 1)
                #expect(apply(CK_UNARY_SOFTPLUS, 200) == 200 && apply(CK_UNARY_SOFTPLUS, -30) > 9e-14)
                #expect(apply(CK_UNARY_ERF, 9) == 1 && apply(CK_UNARY_ERF, -.infinity) == -1)
            }
        }

        @Test func binaryBroadcastsRowsColumnsAndScalars() {
            let kinds: [(ck_binary_kind, (Double, Double) -> Double)] = [
                (CK_BINARY_ADD, { $0 + $1 }), (CK_BINARY_SUB, { $0 - $1 }), (CK_BINARY_MUL, { $0 * $1 }),
                (CK_BINARY_DIV, { $0 / $1 }), (CK_BINARY_MAX, { max($0, $1) }), (CK_BINARY_MIN, { min($0, $1) }),
            ]
            #expect(kinds.count == Int(CK_BINARY_COUNT.rawValue))
            onEachPath { path in
                for shape in oddShapes where shape.rows * shape.cols > 0 {
                    var numbers = TestNumbers(5)
                    let a = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers)
                    let b = Matrix(shape.rows, shape.cols, gap: 1, from: &numbers, 0.5...2)
                    for (kind, f) in kinds {
                        for (aRow, aColumn, bRow, bColumn) in [
                            (1, 1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0), (1, 1, 0, 0), (0, 1, 1, 1), (1, 0, 0, 1),
                            (0, 0, 1, 1),
                        ] {
                            var y = Matrix(shape.rows, shape.cols, gap: 4)
                            ck_binary(
                                kind, Int64(shape.rows), Int64(shape.cols), a.storage, a.ld * Int64(aRow),
                                Int64(aColumn),
                                b.storage, b.ld * Int64(bRow), Int64(bColumn), &y.storage, y.ld)
                            expectClose(y, 2e-7, "\(path) \(kind) \(shape) \(aRow)\(aColumn)\(bRow)\(bColumn)") {
                                f(a.value($0 * aRow, $1 * aColumn), b.value($0 * bRow, $1 * bColumn))
                            }
                        }
                    }
                    var y = a
                    ck_scale_shift(Int64(shape.rows), Int64(shape.cols), 1.5, -0.25, a.storage, a.ld, &y.storage, y.ld)
                    expectClose(y, 2e-7, "\(path) scale_shift") { 1.5 * a.value($0, $1) - 0.25 }
                    ck_add_scaled(
                        Int64(shape.rows), Int64(shape.cols), a.storage, a.ld, -0.75, b.storage, b.ld, &y.storage, y.ld)
                    expectClose(y, 2e-7, "\(path) add_scaled") { a.value($0, $1) - 0.75 * b.value($0, $1) }
                }
            }
        }

        /// Large enough for several tiles and threads; the result must not depend on how many there are.
        @Test func largeMatricesAreSplitWithoutSeams() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) {
                    KernelTests.ElementwiseTests.largeMatricesAreSplitWithoutSeamsBody()
                }
            #else
                KernelTests.ElementwiseTests.largeMatricesAreSplitWithoutSeamsBody()
            #endif
        }

        fileprivate static func largeMatricesAreSplitWithoutSeamsBody() {
            var numbers = TestNumbers(9)
            for (rows, cols, gap) in [(9, 9001, 3), (1, 60_001, 0), (2000, 33, 0)] {
                let x = Matrix(rows, cols, gap: gap, from: &numbers)
                var y = Matrix(rows, cols, gap: gap)
                var alone = y
                ck_set_threads(3)
                ck_unary(CK_UNARY_TANH, Int64(rows), Int64(cols), x.storage, x.ld, &y.storage, y.ld)
                ck_set_threads(1)
                ck_unary(CK_UNARY_TANH, Int64(rows), Int64(cols), x.storage, x.ld, &alone.storage, alone.ld)
                ck_set_threads(0)
                expectClose(y, 4e-7, "tanh") { tanh(x.value($0, $1)) }
                let same = zip(y.storage, alone.storage).allSatisfy { $0.bitPattern == $1.bitPattern }
                #expect(same)
            }
        }
    }
}
