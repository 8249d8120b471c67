import CKernels
import Foundation
import Testing

/// A quantised type, and where the f16 scales of its blocks lie.
struct BlockType: Sendable, CustomTestStringConvertible {
    var storage: ck_storage
    var stored: ck_stored_type
    var scales: [Int]
    var testDescription: String { "\(stored.rawValue)" }

    var elements: Int { Int(ck_stored_block_elements(Int32(bitPattern: stored.rawValue))) }
    var bytes: Int { Int(ck_stored_block_bytes(Int32(bitPattern: stored.rawValue))) }

    static let all = [
        BlockType(storage: CK_STORAGE_Q4_0, stored: CK_STORED_Q4_0, scales: [0]),
        BlockType(storage: CK_STORAGE_Q4_1, stored: CK_STORED_Q4_1, scales: [0, 2]),
        BlockType(storage: CK_STORAGE_Q5_0, stored: CK_STORED_Q5_0, scales: [0]),
        BlockType(storage: CK_STORAGE_Q5_1, stored: CK_STORED_Q5_1, scales: [0, 2]),
        BlockType(storage: CK_STORAGE_Q8_0, stored: CK_STORED_Q8_0, scales: [0]),
        BlockType(storage: CK_STORAGE_Q2_K, stored: CK_STORED_Q2_K, scales: [80, 82]),
        BlockType(storage: CK_STORAGE_Q3_K, stored: CK_STORED_Q3_K, scales: [108]),
        BlockType(storage: CK_STORAGE_Q4_K, stored: CK_STORED_Q4_K, scales: [0, 2]),
        BlockType(storage: CK_STORAGE_Q5_K, stored: CK_STORED_Q5_K, scales: [0, 2]),
        BlockType(storage: CK_STORAGE_Q6_K, stored: CK_STORED_Q6_K, scales: [208]),
    ]

    /// Random blocks of a matrix with small scales of both signs, and what `ck_dequantize` makes of them.
    func matrix(_ rows: Int, _ cols: Int, from numbers: inout TestNumbers) -> (blocks: [UInt8], values: Matrix) {
        let count = rows * cols / elements
        var blocks = (0..<count * bytes).map { _ in UInt8(truncatingIfNeeded: numbers.bits()) }
        for block in 0..<count {
            for place in scales {
                var half: UInt16 = 0
                ck_round_to_f16([numbers.next(in: -0.02...0.02)], 1, &half)
                blocks[block * bytes + place] = UInt8(half & 255)
                blocks[block * bytes + place + 1] = UInt8(half >> 8)
            }
        }
        var values = Matrix(rows, cols)
        #expect(ck_dequantize(Int32(bitPattern: stored.rawValue), blocks, Int64(rows * cols), &values.storage) == 0)
        return (blocks, values)
    }
}

extension KernelTests {
    /// Matrices of quantised blocks are read as what they expand to.
    @Suite struct QuantisedTests {
        /// Few rows, more than the few-row kernels take at a time, many rows; more rows of weights than a tile.
        static let shapes = [(1, 37), (2, 5), (3, 33), (7, 9), (8, 70), (9, 180), (21, 20)]

        @Test(arguments: BlockType.all) func productsAgreeWithTheExpandedMatrix(_ type: BlockType) {
            var numbers = TestNumbers(83)
            for (m, n) in Self.shapes {
                // b is stored n × k for the transposed product, k × n for the other one.
                // Long rows take several blocks of k of a packed product; many columns several pieces.
                let long = max(4 * type.elements, 800)
                for (transposed, rows, cols) in [(true, n, long), (false, n, max(type.elements * 2, 320))] {
                    let (blocks, values) = type.matrix(rows, cols, from: &numbers)
                    let (width, depth) = transposed ? (rows, cols) : (cols, rows)
                    let a = Matrix(m, depth, gap: 1, from: &numbers)
                    let bias = numbers.floats(width)
                    let exact = GemmTests.multiply(
                        a, false, values, transposed, GemmTests.Shape(m: m, n: width, k: depth))
                    onEachPath { path in
                        var c = Matrix(m, width, gap: 3, .nan)
                        ck_gemm_stored(
                            type.storage, false, transposed, Int64(m), Int64(width), Int64(depth), 1, a.storage, a.ld,
                            blocks, Int64(cols), 0, &c.storage, c.ld, bias)
                        expectClose(c, 3e-6, "\(path) \(m) × \(width) × \(depth), transposed: \(transposed)") {
                            exact[$0][$1] + Double(bias[$1])
                        }
                        ck_gemm_stored(
                            type.storage, false, transposed, Int64(m), Int64(width), Int64(depth), 0.5, a.storage,
                            a.ld, blocks, Int64(cols), 1, &c.storage, c.ld, nil)
                        expectClose(c, 3e-6, "\(path) added") { 1.5 * exact[$0][$1] + Double(bias[$1]) }
                    }
                }
            }
        }

        /// Both operands rounded to bf16, whatever the path.
        @Test(arguments: BlockType.all) func roundedProductsReadBlocks(_ type: BlockType) {
            var numbers = TestNumbers(86)
            for (m, n) in [(9, 45), (31, 70)] {
                for transposed in [true, false] {
                    let cols = type.elements == 256 ? 1024 : 864
                    let (blocks, values) = type.matrix(n, cols, from: &numbers)
                    let (width, depth) = transposed ? (n, cols) : (cols, n)
                    let a = Matrix(m, depth, gap: 2, from: &numbers)
                    let bias = numbers.floats(width)
                    let exact = GemmTests.multiply(
                        GemmTests.rounded(a), false, GemmTests.rounded(values), transposed,
                        GemmTests.Shape(m: m, n: width, k: depth))
                    onEachPath { path in
                        var c = Matrix(m, width, gap: 1, .nan)
                        ck_gemm_bf16(
                            type.storage, transposed, Int64(m), Int64(width), Int64(depth), a.storage, a.ld, blocks,
                            Int64(cols), &c.storage, c.ld, bias)
                        expectClose(c, 3e-6, "\(path) \(m) × \(width) × \(depth), transposed: \(transposed)") {
                            exact[$0][$1] + Double(bias[$1])
                        }
                    }
                }
            }
        }

        /// The head of a language model as blocks: losses and slopes as of the widened matrix.
        @Test(arguments: BlockType.all) func lossesReadBlocks(_ type: BlockType) {
            var numbers = TestNumbers(87)
            let (classes, width, n) = (45, 256, 13)
            let (blocks, values) = type.matrix(classes, width, from: &numbers)
            let rows = Matrix(n, width, gap: 1, from: &numbers, -0.03...0.03)
            let targets = (0..<n).map { Int32($0 % 5 == 0 ? -1 : $0 * 3 % classes) }
            for rounded in [false, true] {
                let (left, right) = rounded ? (GemmTests.rounded(rows), GemmTests.rounded(values)) : (rows, values)
                let logits = GemmTests.multiply(
                    left, false, right, true, GemmTests.Shape(m: n, n: classes, k: width))
                let sums = logits.map { row in log(row.reduce(0) { $0 + exp($1) }) }
                var gradients = Matrix(n, classes)
                for (row, target) in targets.enumerated() where target >= 0 {
                    for c in 0..<classes { gradients[row, c] = Float(exp(logits[row][c] - sums[row])) }
                    gradients[row, Int(target)] -= 1
                }
                let wanted = GemmTests.multiply(
                    gradients, false, right, false, GemmTests.Shape(m: n, n: width, k: classes))
                onEachPath { path in
                    var losses = [Float](repeating: .nan, count: n)
                    var slopes = Matrix(n, width, gap: 3, .nan)
                    let outside = ck_linear_cross_entropy(
                        type.storage, rounded, Int64(n), Int64(classes), Int64(width), rows.storage, rows.ld, blocks,
                        Int64(width), targets, &losses, &slopes.storage, slopes.ld)
                    #expect(outside == -1)
                    expectClose(losses, 3e-6, "\(path) losses, rounded: \(rounded)") {
                        targets[$0] < 0 ? 0 : sums[$0] - logits[$0][Int(targets[$0])]
                    }
                    // The slopes of the logits are rounded too before they meet the matrix.
                    expectClose(slopes, rounded ? 4e-3 : 5e-6, "\(path) slopes, rounded: \(rounded)") {
                        wanted[$0][$1]
                    }
                }
            }
        }

        @Test(arguments: BlockType.all) func gatheredRowsAreTheExpandedOnes(_ type: BlockType) {
            var numbers = TestNumbers(84)
            let (blocks, values) = type.matrix(9, 512, from: &numbers)
            let indices: [Int32] = [3, 0, 8, 3]
            onEachPath { path in
                var y = Matrix(4, 512, gap: 1)
                let outside = ck_gather_rows(type.storage, 4, 512, blocks, 9, 512, indices, &y.storage, y.ld)
                #expect(outside == -1)
                expectClose(y, 0, "\(path)") { values.value(Int(indices[$0]), $1) }
            }
        }

        @Test(arguments: BlockType.all) func aRowsBitsDoNotDependOnItsNeighbours(_ type: BlockType) {
            var numbers = TestNumbers(85)
            let (blocks, _) = type.matrix(40, 512, from: &numbers)
            let a = Matrix(7, 512, from: &numbers)
            onEachPath { path in
                var all = Matrix(7, 40)
                ck_gemm_stored(
                    type.storage, false, true, 7, 40, 512, 1, a.storage, a.ld, blocks, 512, 0, &all.storage, all.ld, nil
                )
                for row in 0..<7 {
                    var one = Matrix(1, 40)
                    ck_gemm_stored(
                        type.storage, false, true, 1, 40, 512, 1, Array(a.storage[row * 512..<(row + 1) * 512]), 512,
                        blocks, 512, 0, &one.storage, one.ld, nil)
                    expectClose(one, 0, "\(path) row \(row)") { all.value(row, $1) }
                }
            }
        }
    }
}
