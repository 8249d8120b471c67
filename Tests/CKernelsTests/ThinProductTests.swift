import CKernels
import Testing

extension KernelTests {
    /// Products of few rows that are made together: with several matrices, or each with one of its own.
    @Suite struct ThinProductTests {
        @Test(arguments: [(n: 4, k: 576), (n: 7, k: 21), (n: 45, k: 4), (n: 33, k: 8)], [false, true])
        func eachRowMeetsTheMatrixOfItsGroup(_ size: (n: Int, k: Int), transposed: Bool) {
            var numbers = TestNumbers(91)
            let rows = 41
            let a = Matrix(rows, size.k, gap: 2, from: &numbers)
            let height = transposed ? size.n : size.k
            let matrices = Matrix(5 * height, transposed ? size.k : size.n, gap: 1, from: &numbers)
            // Eleven rows of one group side by side, then others that come back.
            let groups = (0..<rows).map { Int32($0 < 11 ? 3 : $0 * 7 % 5) }
            onEachPath { path in
                var c = Matrix(rows, size.n, gap: 3, .nan)
                let isDone = ck_grouped_gemm(
                    transposed, Int64(rows), Int64(size.n), Int64(size.k), a.storage, a.ld, matrices.storage,
                    Int64(height), matrices.ld, groups, &c.storage, c.ld)
                #expect(isDone)
                #expect(c.gapIsUntouched)
                expectClose(c, 2e-6, "\(path) \(size) \(transposed)") { row, column in
                    let first = Int(groups[row]) * height
                    return (0..<size.k).reduce(0) { sum, inner in
                        let factor =
                            transposed
                            ? matrices.value(first + column, inner) : matrices.value(first + inner, column)
                        return sum + a.value(row, inner) * factor
                    }
                }
            }
        }

        @Test func wideMatricesAreLeftToProductsOfTheirOwn() {
            var c: [Float] = [7]
            #expect(!ck_grouped_gemm(false, 1, 9, 9, [1], 9, [1], 9, 9, [0], &c, 9))
            #expect(c == [7])
        }

        /// The same bits as one after another, with any number of threads.
        @Test(arguments: [1, 3, 8]) func productsBesideOthersHaveTheirOwnBits(rows: Int) {
            var numbers = TestNumbers(92)
            let (k, widths) = (130, [19, 700, 64])
            let a = Matrix(rows, k, gap: 1, from: &numbers)
            let matrices = widths.map { Matrix($0, k, gap: 2, from: &numbers) }
            let bias = numbers.floats(widths[1])
            for storage in [CK_STORAGE_F32, CK_STORAGE_F16, CK_STORAGE_BF16] {
                let bytes = matrices.map { GemmTests.stored($0, storage).bytes }
                onEachPath { path in
                    var apart = widths.map { Matrix(rows, $0, gap: 1) }
                    for index in widths.indices {
                        ck_gemm_stored(
                            storage, false, true, Int64(rows), Int64(widths[index]), Int64(k), 1, a.storage, a.ld,
                            bytes[index], matrices[index].ld, 0, &apart[index].storage, apart[index].ld,
                            index == 1 ? bias : nil)
                    }
                    for threads in [1, 2, 3] {
                        ck_set_threads(Int32(threads))
                        defer { ck_set_threads(0) }
                        var c0 = Matrix(rows, widths[0], gap: 1)
                        var c1 = Matrix(rows, widths[1], gap: 1)
                        var c2 = Matrix(rows, widths[2], gap: 1)
                        let isDone = c0.storage.withUnsafeMutableBufferPointer { p0 in
                            c1.storage.withUnsafeMutableBufferPointer { p1 in
                                c2.storage.withUnsafeMutableBufferPointer { p2 in
                                    bytes[0].withUnsafeBufferPointer { b0 in
                                        bytes[1].withUnsafeBufferPointer { b1 in
                                            bytes[2].withUnsafeBufferPointer { b2 in
                                                bias.withUnsafeBufferPointer { bias in
                                                    let addresses = [b0, b1, b2].map(\.baseAddress)
                                                    let results = [p0, p1, p2].map(\.baseAddress)
                                                    let parts = widths.indices.map { index in
                                                        ck_product_beside(
                                                            storage: storage, n: Int64(widths[index]),
                                                            b: addresses[index], b_stride: matrices[index].ld,
                                                            c: results[index], c_stride: Int64(widths[index] + 1),
                                                            bias: index == 1 ? bias.baseAddress : nil)
                                                    }
                                                    return ck_gemm_beside(
                                                        3, parts, Int64(rows), Int64(k), a.storage, a.ld)
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        #expect(isDone)
                        for (given, wanted) in zip([c0, c1, c2], apart) {
                            let pairs = zip(given.storage, wanted.storage)
                            let isSame = pairs.allSatisfy { $0.bitPattern == $1.bitPattern }
                            #expect(isSame, "\(path) \(storage) \(threads) threads, width \(wanted.cols)")
                        }
                    }
                }
            }
        }

        @Test func manyRowsAreNotTakenBesideEachOther() {
            #expect(!ck_gemm_beside(0, nil, 9, 20, nil, 20))
            #expect(!ck_gemm_beside(Int64(CK_MOST_BESIDE) + 1, nil, 1, 20, nil, 20))
            #expect(!ck_gemm_beside(0, nil, 1, 8, nil, 8))
        }
    }
}
