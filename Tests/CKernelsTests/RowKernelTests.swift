import CKernels
import Foundation
import Testing

/// ∂/∂x of Σ weights·f(x) by central differences in double.
func numericalGradient(_ x: [Double], _ weights: [Double], _ f: ([Double]) -> [Double]) -> [Double] {
    x.indices.map { i in
        let step = 1e-6
        var up = x
        var down = x
        up[i] += step
        down[i] -= step
        return zip(weights, zip(f(up), f(down))).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) } / (2 * step)
    }
}

extension KernelTests {
    @Suite struct RowKernelTests {
        static func logSumExp(_ x: [Double]) -> Double {
            let m = x.max() ?? 0
            return m + log(x.reduce(0) { $0 + exp($1 - m) })
        }
        static func softmax(_ x: [Double]) -> [Double] {
            let logSum = logSumExp(x)
            return x.map { exp($0 - logSum) }
        }

        static func rmsNorm(_ x: [Double], _ weight: [Double], _ epsilon: Double) -> [Double] {
            let s = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + epsilon).squareRoot()
            return zip(x, weight).map { $0 * s * $1 }
        }

        static func layerNorm(_ x: [Double], _ weight: [Double], _ bias: [Double], _ epsilon: Double) -> [Double] {
            let mean = x.reduce(0, +) / Double(x.count)
            let s = 1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count) + epsilon).squareRoot()
            return x.indices.map { (x[$0] - mean) * s * weight[$0] + bias[$0] }
        }

        @Test func sumsOverRowsColumnsAndAll() {
            onEachPath { path in
                for shape in oddShapes + [(300, 70, 1), (1, 9000, 0)] {
                    var numbers = TestNumbers(11)
                    let x = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers)
                    let rows = Int64(shape.rows)
                    let cols = Int64(shape.cols)
                    var sums = Matrix(shape.rows, 1, gap: 1)
                    ck_row_sums(rows, cols, x.storage, x.ld, &sums.storage, sums.ld)
                    expectClose(sums, 2e-6, "\(path) row sums") { r, _ in x.row(r).reduce(0, +) }

                    var columns = [Float](repeating: 3, count: shape.cols)
                    ck_column_sums(rows, cols, x.storage, x.ld, &columns, true)
                    let exact = (0..<shape.cols).map { c in (0..<shape.rows).reduce(0.0) { $0 + x.value($1, c) } }
                    expectClose(columns, 2e-6, "\(path) column sums added") { 3 + exact[$0] }
                    ck_column_sums(rows, cols, x.storage, x.ld, &columns, false)
                    expectClose(columns, 2e-6, "\(path) column sums") { exact[$0] }

                    let all = (0..<shape.rows).flatMap { x.row($0) }
                    #expect(abs(ck_sum(rows, cols, x.storage, x.ld) - all.reduce(0, +)) <= 1e-4)
                    let squares = all.reduce(0) { $0 + $1 * $1 }
                    #expect(abs(ck_sum_squares(rows, cols, x.storage, x.ld) - squares) <= 1e-6 * max(1, squares))
                }
            }
        }

        @Test func softmaxLogSoftmaxAndGradients() {
            onEachPath { path in
                for shape in oddShapes where shape.cols > 0 {
                    var numbers = TestNumbers(21)
                    let x = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers, -20...20)
                    let dy = Matrix(shape.rows, shape.cols, gap: 1, from: &numbers)
                    let rows = Int64(shape.rows)
                    let cols = Int64(shape.cols)
                    var y = Matrix(shape.rows, shape.cols, gap: 2)
                    var dx = Matrix(shape.rows, shape.cols, gap: 3)
                    let exact = (0..<shape.rows).map { Self.softmax(x.row($0)) }

                    ck_softmax(rows, cols, x.storage, x.ld, &y.storage, y.ld)
                    expectClose(y, 1e-6, "\(path) softmax") { exact[$0][$1] }
                    ck_softmax_gradient(rows, cols, y.storage, y.ld, dy.storage, dy.ld, &dx.storage, dx.ld)
                    let slopes = (0..<shape.rows).map { numericalGradient(x.row($0), dy.row($0), Self.softmax) }
                    expectClose(dx, 2e-6, "\(path) softmax gradient") { slopes[$0][$1] }

                    ck_log_softmax(rows, cols, x.storage, x.ld, &y.storage, y.ld)
                    let logSums = (0..<shape.rows).map { Self.logSumExp(x.row($0)) }
                    expectClose(y, 1e-6, "\(path) log softmax") { x.value($0, $1) - logSums[$0] }
                    ck_log_softmax_gradient(rows, cols, y.storage, y.ld, dy.storage, dy.ld, &dx.storage, dx.ld)
                    let logSlopes = (0..<shape.rows).map { r in
                        numericalGradient(x.row(r), dy.row(r)) { row in
                            let logSum = Self.logSumExp(row)
                            return row.map { $0 - logSum }
                        }
                    }
                    expectClose(dx, 3e-6, "\(path) log softmax gradient") { logSlopes[$0][$1] }
                }
                var nothing = [Float](repeating: 5, count: 19)
                ck_softmax(1, 19, [Float](repeating: -.infinity, count: 19), 19, &nothing, 19)
                #expect(nothing == [Float](repeating: 0, count: 19))
            }
        }

        @Test func normsAndGradients() {
            onEachPath { path in
                for shape in oddShapes + [(150, 5, 1)] where shape.cols > 0 {
                    var numbers = TestNumbers(31)
                    let x = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers)
                    let dy = Matrix(shape.rows, shape.cols, gap: 1, from: &numbers)
                    let weight = numbers.floats(shape.cols)
                    let bias = numbers.floats(shape.cols)
                    let rows = Int64(shape.rows)
                    let cols = Int64(shape.cols)
                    let epsilon: Float = 1e-2
                    var y = Matrix(shape.rows, shape.cols, gap: 2)
                    var dx = y
                    var dweight = [Float](repeating: 9, count: shape.cols)
                    var dbias = dweight
                    let ones = [Double](repeating: 1, count: shape.cols)
                    let zeros = [Double](repeating: 0, count: shape.cols)

                    for offset: Float in [0, 1] {
                        let w = weight.map { Double($0 + offset) }
                        ck_rms_norm(rows, cols, x.storage, x.ld, weight, epsilon, offset, &y.storage, y.ld)
                        let exact = (0..<shape.rows).map { Self.rmsNorm(x.row($0), w, Double(epsilon)) }
                        expectClose(y, 2e-6, "\(path) rms \(shape)") { exact[$0][$1] }
                        ck_rms_norm_gradient(
                            rows, cols, x.storage, x.ld, weight, epsilon, offset, dy.storage, dy.ld, &dx.storage, dx.ld)
                        let slopes = (0..<shape.rows).map { r in
                            numericalGradient(x.row(r), dy.row(r)) { Self.rmsNorm($0, w, Double(epsilon)) }
                        }
                        expectClose(dx, 5e-6, "\(path) rms gradient \(shape)") { slopes[$0][$1] }
                    }
                    ck_rms_norm(rows, cols, x.storage, x.ld, nil, epsilon, 0, &y.storage, y.ld)
                    let plain = (0..<shape.rows).map { Self.rmsNorm(x.row($0), ones, Double(epsilon)) }
                    expectClose(y, 2e-6, "\(path) rms without weight") { plain[$0][$1] }
                    ck_rms_norm_weight_gradient(rows, cols, x.storage, x.ld, epsilon, dy.storage, dy.ld, &dweight)
                    expectClose(dweight, 4e-6, "\(path) rms weight gradient") { c in
                        (0..<shape.rows).reduce(0) { $0 + dy.value($1, c) * plain[$1][c] }
                    }

                    let w = weight.map(Double.init)
                    let b = bias.map(Double.init)
                    ck_layer_norm(rows, cols, x.storage, x.ld, weight, bias, epsilon, &y.storage, y.ld)
                    let exact = (0..<shape.rows).map { Self.layerNorm(x.row($0), w, b, Double(epsilon)) }
                    expectClose(y, 3e-6, "\(path) layer norm") { exact[$0][$1] }
                    ck_layer_norm_gradient(
                        rows, cols, x.storage, x.ld, weight, epsilon, dy.storage, dy.ld, &dx.storage, dx.ld)
                    let slopes = (0..<shape.rows).map { r in
                        numericalGradient(x.row(r), dy.row(r)) { Self.layerNorm($0, w, b, Double(epsilon)) }
                    }
                    expectClose(dx, 5e-6, "\(path) layer norm gradient \(shape)") { slopes[$0][$1] }
                    let normalized = (0..<shape.rows).map { Self.layerNorm(x.row($0), ones, zeros, Double(epsilon)) }
                    ck_layer_norm(rows, cols, x.storage, x.ld, nil, nil, epsilon, &y.storage, y.ld)
                    expectClose(y, 3e-6, "\(path) layer norm without weight") { normalized[$0][$1] }
                    ck_layer_norm_weight_gradient(
                        rows, cols, x.storage, x.ld, epsilon, dy.storage, dy.ld, &dweight, &dbias)
                    expectClose(dweight, 4e-6, "\(path) layer norm weight gradient") { c in
                        (0..<shape.rows).reduce(0) { $0 + dy.value($1, c) * normalized[$1][c] }
                    }
                    expectClose(dbias, 4e-6, "\(path) layer norm bias gradient") { c in
                        (0..<shape.rows).reduce(0) { $0 + dy.value($1, c) }
                    }
                }
            }
        }

        /// Of several bands: 100,000 classes leave 83 rows of logits in one.
        @Test(arguments: [(1, 5, 3), (37, 40, 33), (90, 100_000, 9)])
        func linearCrossEntropy(rows: Int, classes: Int, width: Int) {
            var numbers = TestNumbers(43)
            let x = Matrix(rows, width, gap: 1, from: &numbers)
            let matrix = Matrix(classes, width, gap: 2, from: &numbers)
            var targets = (0..<rows).map { _ in Int32(numbers.below(classes)) }
            if rows > 2 { targets[1] = -100 }
            let (n, v, h) = (Int64(rows), Int64(classes), Int64(width))
            onEachPath { path in
                var logits = Matrix(rows, classes)
                ck_gemm(false, true, n, v, h, 1, x.storage, x.ld, matrix.storage, matrix.ld, 0, &logits.storage, v)
                var wanted = [Float](repeating: 0, count: rows)
                #expect(ck_cross_entropy(n, v, logits.storage, v, targets, &wanted, nil) == -1)
                #expect(
                    ck_cross_entropy_gradient(n, v, logits.storage, v, targets, nil, [1], 0, &logits.storage, v) == -1)
                var slopes = Matrix(rows, width)
                ck_gemm(false, false, n, h, v, 1, logits.storage, v, matrix.storage, matrix.ld, 0, &slopes.storage, h)
                var losses = [Float](repeating: 7, count: rows)
                var given = Matrix(rows, width, gap: 3, .nan)
                #expect(
                    ck_linear_cross_entropy(
                        CK_STORAGE_F32, false, n, v, h, x.storage, x.ld, matrix.storage, matrix.ld, targets, &losses,
                        &given.storage, given.ld) == -1)
                expectClose(losses, 2e-6, "\(path) losses") { Double(wanted[$0]) }
                expectClose(given, 2e-6, "\(path) slopes") { slopes.value($0, $1) }
                var only = [Float](repeating: 7, count: rows)
                _ = ck_linear_cross_entropy(
                    CK_STORAGE_F32, false, n, v, h, x.storage, x.ld, matrix.storage, matrix.ld, targets, &only, nil, 0)
                #expect(only == losses)
            }
            var loss: [Float] = [5]
            #expect(
                ck_linear_cross_entropy(CK_STORAGE_F32, false, 1, 1, 1, [1], 1, [1], 1, [1], &loss, nil, 0) == 0)
            #expect(loss == [5])
        }

        @Test func crossEntropyAndItsGradient() {
            onEachPath { path in
                for (rows, cols, gap) in [(1, 1, 0), (5, 37, 2), (3, 300, 0)] {
                    var numbers = TestNumbers(41)
                    let x = Matrix(rows, cols, gap: gap, from: &numbers, -8...8)
                    var targets = (0..<rows).map { _ in Int32(numbers.below(cols)) }
                    if rows > 2 { targets[1] = -100 }
                    let scale = numbers.floats(rows)
                    var losses = [Float](repeating: 7, count: rows)
                    var sums = losses
                    #expect(ck_cross_entropy(Int64(rows), Int64(cols), x.storage, x.ld, targets, &losses, &sums) == -1)
                    expectClose(losses, 1e-6, "\(path) loss") {
                        targets[$0] < 0 ? 0 : Self.logSumExp(x.row($0)) - x.value($0, Int(targets[$0]))
                    }
                    for (known, stride) in [(false, 1), (true, 1), (true, 0)] {
                        var dx = Matrix(rows, cols, gap: 1)
                        let result = sums.withUnsafeBufferPointer {
                            ck_cross_entropy_gradient(
                                Int64(rows), Int64(cols), x.storage, x.ld, targets, known ? $0.baseAddress : nil, scale,
                                Int64(stride), &dx.storage, dx.ld)
                        }
                        #expect(result == -1)
                        let exact = (0..<rows).map { Self.softmax(x.row($0)) }
                        expectClose(dx, 2e-6, "\(path) gradient") { r, c in
                            if targets[r] < 0 { return 0 }
                            return (exact[r][c] - (c == targets[r] ? 1 : 0)) * Double(scale[r * stride])
                        }
                    }
                }
            }
            var loss: [Float] = [5, 5]
            #expect(ck_cross_entropy(2, 3, [1, 2, 3, 4, 5, 6], 3, [2, 3], &loss, nil) == 1)
            #expect(loss == [5, 5], "nothing is written when a target is outside the vocabulary")
            #expect(ck_cross_entropy_gradient(2, 3, [1, 2, 3, 4, 5, 6], 3, [3, 0], nil, [1], 0, &loss, 3) == 0)
            #expect(loss == [5, 5])
        }
    }
}
