import CKernels
import Testing

extension KernelTests {
    @Suite struct GemmTests {
        struct Shape: Sendable {
            var m: Int, n: Int, k: Int
        }
        /// Each way of computing a product, on both sides of its limits: few rows, few columns, small depth, panels.
        static let shapes: [Shape] = [
            Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 37, k: 65), Shape(m: 3, n: 19, k: 40), Shape(m: 8, n: 33, k: 130),
            Shape(m: 9, n: 4, k: 70), Shape(m: 21, n: 8, k: 17), Shape(m: 30, n: 45, k: 4), Shape(m: 13, n: 530, k: 7),
            Shape(m: 9, n: 9, k: 9), Shape(m: 33, n: 70, k: 40), Shape(m: 70, n: 24, k: 33), Shape(m: 4, n: 5, k: 0),
            Shape(m: 29, n: 97, k: 12), Shape(m: 15, n: 40, k: 790),
            // Few rows and a thin matrix.
            Shape(m: 1, n: 4, k: 180), Shape(m: 3, n: 3, k: 50), Shape(m: 8, n: 7, k: 21), Shape(m: 2, n: 8, k: 37),
            Shape(m: 1, n: 530, k: 4), Shape(m: 5, n: 45, k: 8), Shape(m: 8, n: 39, k: 3), Shape(m: 4, n: 19, k: 6),
        ]

        /// The bytes of a matrix in a storage type, and what they hold.
        static func stored(_ matrix: Matrix, _ storage: ck_storage) -> (bytes: [UInt8], rounded: Matrix) {
            let count = matrix.storage.count
            var bytes = [UInt8](repeating: 0, count: 4 * count)
            var rounded = matrix
            switch storage {
            case CK_STORAGE_F16:
                ck_round_to_f16(matrix.storage, Int64(count), &bytes)
                _ = ck_dequantize(Int32(bitPattern: CK_STORED_F16.rawValue), bytes, Int64(count), &rounded.storage)
            case CK_STORAGE_BF16:
                ck_round_to_bf16(matrix.storage, Int64(count), &bytes)
                _ = ck_dequantize(Int32(bitPattern: CK_STORED_BF16.rawValue), bytes, Int64(count), &rounded.storage)
            default:
                bytes = matrix.storage.withUnsafeBytes { Array($0) }
            }
            return (bytes, rounded)
        }

        static func multiply(_ a: Matrix, _ transposeA: Bool, _ b: Matrix, _ transposeB: Bool, _ shape: Shape)
            -> [[Double]]
        {
            let left = (0..<shape.m).map { i in (0..<shape.k).map { transposeA ? a.value($0, i) : a.value(i, $0) } }
            let right = (0..<shape.n).map { j in (0..<shape.k).map { transposeB ? b.value(j, $0) : b.value($0, j) } }
            return left.map { row in
                right.map { column in
                    var sum = 0.0
                    var l = 0
                    while l < shape.k {
                        sum += row[l] * column[l]
                        l += 1
                    }
                    return sum
                }
            }
        }

        @Test(arguments: shapes) func productsAgreeWithTheSum(_ shape: Shape) {
            var numbers = TestNumbers(81)
            let m = Int64(shape.m)
            let n = Int64(shape.n)
            let k = Int64(shape.k)
            for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
                let a = Matrix(transposeA ? shape.k : shape.m, transposeA ? shape.m : shape.k, gap: 1, from: &numbers)
                let b = Matrix(transposeB ? shape.n : shape.k, transposeB ? shape.k : shape.n, gap: 2, from: &numbers)
                let product = Self.multiply(a, transposeA, b, transposeB, shape)
                let bias = numbers.floats(shape.n)
                onEachPath { path in
                    for (alpha, beta) in [(Float(1), Float(0)), (0.5, 1), (-2, 0.25), (0, 0.5)] {
                        var c = Matrix(shape.m, shape.n, gap: 3, 1.5)
                        let what = "\(path) \(shape) \(transposeA) \(transposeB) \(alpha) \(beta)"
                        ck_gemm(
                            transposeA, transposeB, m, n, k, alpha, a.storage, a.ld, b.storage, b.ld, beta, &c.storage,
                            c.ld)
                        expectClose(c, 2e-6, what) { Double(alpha) * product[$0][$1] + Double(beta) * 1.5 }
                    }
                    for storage in [CK_STORAGE_F32, CK_STORAGE_F16, CK_STORAGE_BF16] {
                        let (narrow, rounded) = Self.stored(b, storage)
                        let stored = Self.multiply(a, transposeA, rounded, transposeB, shape)
                        // NaN where the kernel must not read: beta = 0.
                        var c = Matrix(shape.m, shape.n, gap: 3, .nan)
                        ck_gemm_stored(
                            storage, transposeA, transposeB, m, n, k, 1, a.storage, a.ld, narrow, b.ld, 0, &c.storage,
                            c.ld, bias)
                        expectClose(c, 2e-6, "\(path) \(shape) \(transposeA) \(transposeB) \(storage)") {
                            stored[$0][$1] + Double(bias[$1])
                        }
                    }
                }
            }
        }

        /// With few rows a row's bits do not depend on the rows beside it: decoding in a batch is decoding alone. The deep ones take
        /// the weights some rows at a time.
        @Test(arguments: [70, 1100, 2100]) func fewRowProductsAreTheSameAloneAndTogether(k: Int) {
            var numbers = TestNumbers(82)
            let a = Matrix(8, k, from: &numbers)
            let (b, flat) = (Matrix(45, k, from: &numbers), Matrix(k, 45, from: &numbers))
            for (storage, transposed) in [
                (CK_STORAGE_F32, true), (CK_STORAGE_F16, true), (CK_STORAGE_BF16, true), (CK_STORAGE_F32, false),
            ] {
                let weights = transposed ? b : flat
                let bytes = Self.stored(weights, storage).bytes
                func product(_ rows: Range<Int>) -> [Float] {
                    var c = Matrix(rows.count, 45)
                    a.storage.withUnsafeBufferPointer {
                        ck_gemm_stored(
                            storage, false, transposed, Int64(rows.count), 45, Int64(k), 1,
                            $0.baseAddress.map { $0 + rows.lowerBound * k }, Int64(k), bytes, weights.ld, 0, &c.storage,
                            45,
                            nil)
                    }
                    return c.storage
                }
                onEachPath { path in
                    let alone = (0..<8).map { product($0..<$0 + 1) }
                    for count in 2...8 {
                        let isSame = product(0..<count) == Array(alone[..<count].joined())
                        #expect(isSame, "\(path) \(storage) \(transposed) \(count) rows")
                    }
                }
            }
        }

        /// The elements of a matrix as the nearest bf16.
        static func rounded(_ matrix: Matrix) -> Matrix { stored(matrix, CK_STORAGE_BF16).rounded }

        @Test(arguments: shapes.filter { $0.k > 0 }) func roundedProductsAgreeWithTheSum(_ shape: Shape) {
            var numbers = TestNumbers(84)
            let a = Matrix(shape.m, shape.k, gap: 1, from: &numbers)
            let isRounded = min(shape.m, shape.n, shape.k) > 8
            for transposeB in [false, true] {
                let b = Matrix(transposeB ? shape.n : shape.k, transposeB ? shape.k : shape.n, gap: 2, from: &numbers)
                let bias = numbers.floats(shape.n)
                for storage in [CK_STORAGE_F32, CK_STORAGE_F16, CK_STORAGE_BF16] {
                    let (bytes, kept) = Self.stored(b, storage)
                    let product = Self.multiply(
                        isRounded ? Self.rounded(a) : a, false, isRounded ? Self.rounded(kept) : kept, transposeB, shape
                    )
                    onEachPath { path in
                        var c = Matrix(shape.m, shape.n, gap: 3, .nan)
                        ck_gemm_bf16(
                            storage, transposeB, Int64(shape.m), Int64(shape.n), Int64(shape.k), a.storage, a.ld, bytes,
                            b.ld, &c.storage, c.ld, bias)
                        expectClose(c, 2e-6, "\(path) \(shape) \(transposeB) \(storage)") {
                            product[$0][$1] + Double(bias[$1])
                        }
                    }
                }
            }
        }

        /// Infinities, NaN and ties on the way to bf16.
        @Test func roundingToBF16IsToNearestEven() {
            let special: [Float] = [
                1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1.2p-8, -1 - 0x1p-8, .infinity, .nan, Float(bitPattern: 0x7FFF_FFFF),
                .greatestFiniteMagnitude,
            ]
            let wanted: [Float] = [1, 1 + 0x1p-6, 1 + 0x1p-7, -1, .infinity, .nan, .nan, .infinity]
            var a = Matrix(16, 16)
            for (row, value) in special.enumerated() { a[row, 0] = value }
            var b = Matrix(16, 16)
            for column in 0..<16 { b[0, column] = 1 }
            onEachPath { path in
                var c = Matrix(16, 16)
                ck_gemm_bf16(CK_STORAGE_F32, false, 16, 16, 16, a.storage, 16, b.storage, 16, &c.storage, 16, nil)
                for (row, value) in wanted.enumerated() {
                    #expect(c[row, 3] == value || (c[row, 3].isNaN && value.isNaN), "\(path) \(special[row])")
                }
            }
        }

        /// With packed panels a row's bits depend neither on the rows beside it nor on the threads.
        @Test(.enabled(if: ck_path_available(CK_PATH_AVX512)))
        func packedProductsAreTheSameAloneAndTogether() {
            var numbers = TestNumbers(85)
            let a = Matrix(420, 500, from: &numbers)
            let before = ck_current_path()
            defer { _ = ck_force_path(before) }
            #expect(ck_force_path(CK_PATH_AVX512))
            for transposed in [true, false] {
                let b = transposed ? Matrix(330, 500, from: &numbers) : Matrix(500, 330, from: &numbers)
                func product(_ first: Int, _ rows: Int, threads: Int32, rounded: Bool) -> [Float] {
                    ck_set_threads(threads)
                    defer { ck_set_threads(0) }
                    var c = [Float](repeating: 0, count: rows * 330)
                    a.storage.withUnsafeBufferPointer {
                        let rowsOfA = $0.baseAddress.map { $0 + first * 500 }
                        if rounded {
                            ck_gemm_bf16(
                                CK_STORAGE_F32, transposed, Int64(rows), 330, 500, rowsOfA, 500, b.storage, b.ld, &c,
                                330, nil)
                        } else {
                            ck_gemm(
                                false, transposed, Int64(rows), 330, 500, 1, rowsOfA, 500, b.storage, b.ld, 0, &c, 330)
                        }
                    }
                    return c
                }
                for rounded in [false, true] {
                    let together = product(0, 420, threads: 1, rounded: rounded)
                    #expect(product(0, 420, threads: 3, rounded: rounded) == together)
                    for (first, rows, threads) in [(20, 9, 2), (33, 42, 1), (200, 140, 3)] {
                        #expect(
                            product(first, rows, threads: Int32(threads), rounded: rounded)
                                == Array(together[first * 330..<(first + rows) * 330]))
                    }
                    // Added to what is there, as gradients are, a product takes the other way.
                    if !rounded {
                        var added = [Float](repeating: 0, count: together.count)
                        ck_gemm(
                            false, transposed, 420, 330, 500, 1, a.storage, a.ld, b.storage, b.ld, 1, &added, 330)
                        #expect(added == together)
                    }
                }
            }
        }

        @Test func largeProductsAreSplitWithoutSeams() async {
            #if compiler(>=6.2)
                await #expect(processExitsWith: .success) {
                    KernelTests.GemmTests.largeProductsAreSplitWithoutSeamsBody()
                }
            #else
                KernelTests.GemmTests.largeProductsAreSplitWithoutSeamsBody()
            #endif
        }

        fileprivate static func largeProductsAreSplitWithoutSeamsBody() {
            var numbers = TestNumbers(83)
            ck_set_threads(3)
            defer { ck_set_threads(0) }
            for shape in [Shape(m: 30, n: 300, k: 60), Shape(m: 300, n: 30, k: 60), Shape(m: 700, n: 4, k: 90)] {
                let a = Matrix(shape.m, shape.k, from: &numbers)
                let b = Matrix(shape.n, shape.k, from: &numbers)
                let product = Self.multiply(a, false, b, true, shape)
                var c = Matrix(shape.m, shape.n, gap: 1)
                var again = c
                for _ in 0..<2 {
                    again = c
                    ck_gemm(
                        false, true, Int64(shape.m), Int64(shape.n), Int64(shape.k), 1, a.storage, a.ld, b.storage,
                        b.ld, 0,
                        &c.storage, c.ld)
                }
                expectClose(c, 2e-6, "\(shape)") { product[$0][$1] }
                let same = zip(c.storage, again.storage).allSatisfy { $0.bitPattern == $1.bitPattern }
                #expect(same, "the same bits each time")
            }
        }
    }
}
