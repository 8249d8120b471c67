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

        /// Integers below 128 with one 127 in each group are kept by the rounding, and scales of 1 leave sums of integers: the
        /// result is the exact one on each path.
        @Test(arguments: [CK_STORAGE_Q4_0, CK_STORAGE_Q4_1, CK_STORAGE_Q4_K])
        func productsOfEightBitsAreSumsOfIntegers(_ storage: ck_storage) throws {
            var numbers = TestNumbers(88)
            let type = try #require(BlockType.all.first { $0.storage == storage })
            for (m, n, k) in [(1, 37, 256), (3, 20, 768), (8, 9, 512), (7, 5, storage == CK_STORAGE_Q4_K ? 256 : 96)] {
                var (blocks, _) = type.matrix(n, k, from: &numbers)
                for block in 0..<n * k / type.elements {
                    // f16 ones.
                    for place in type.scales {
                        blocks[block * type.bytes + place] = 0
                        blocks[block * type.bytes + place + 1] = 0x3C
                    }
                }
                var values = Matrix(n, k)
                #expect(
                    ck_dequantize(Int32(bitPattern: type.stored.rawValue), blocks, Int64(n * k), &values.storage) == 0)
                var a = Matrix(m, k, gap: 3)
                for row in 0..<m {
                    for column in 0..<k { a[row, column] = Float(numbers.below(25)) - 12 }
                    for group in 0..<k / 32 { a[row, group * 32 + numbers.below(32)] = group % 2 == 0 ? 127 : -127 }
                }
                let bias = (0..<n).map { Float($0 % 7) }
                let exact = GemmTests.multiply(a, false, values, true, GemmTests.Shape(m: m, n: n, k: k))
                onEachPath { path in
                    var c = Matrix(m, n, gap: 1, .nan)
                    ck_gemm_int8(
                        storage, Int64(m), Int64(n), Int64(k), a.storage, a.ld, blocks, Int64(k), &c.storage, c.ld, bias
                    )
                    expectClose(c, 0, "\(path) \(m) × \(n) × \(k)") { exact[$0][$1] + Double(bias[$1]) }
                }
            }
        }

        /// Rounded in groups of 32, as a plain loop does it; what has no such product stays as it is.
        @Test(arguments: BlockType.all) func productsOfEightBitsRoundTheirRows(_ type: BlockType) {
            var numbers = TestNumbers(89)
            let isRounded = [CK_STORAGE_Q4_0, CK_STORAGE_Q4_1, CK_STORAGE_Q4_K].contains(type.storage)
            let (n, k) = (30, 512)
            let (blocks, values) = type.matrix(n, k, from: &numbers)
            for m in [1, 2, 5, 8, 9] {
                var a = Matrix(m, k, gap: 1, from: &numbers)
                for column in 64..<96 { a[0, column] = 0 }
                a[0, 100] = 1e-20
                var rounded = a
                for row in 0..<m where isRounded && m <= 8 {
                    for group in stride(from: 0, to: k, by: 32) {
                        let largest = (group..<group + 32).reduce(Float(0)) { max($0, abs(a[row, $1])) }
                        for column in group..<group + 32 where largest > 0 {
                            let q = (a[row, column] * (127 / largest)).rounded(.toNearestOrEven)
                            rounded[row, column] = q * (largest / 127)
                        }
                    }
                }
                let exact = GemmTests.multiply(a, false, values, true, GemmTests.Shape(m: m, n: n, k: k))
                let expected = GemmTests.multiply(rounded, false, values, true, GemmTests.Shape(m: m, n: n, k: k))
                onEachPath { path in
                    var c = Matrix(m, n, gap: 2, .nan)
                    ck_gemm_int8(
                        type.storage, Int64(m), Int64(n), Int64(k), a.storage, a.ld, blocks, Int64(k), &c.storage, c.ld,
                        nil)
                    expectClose(c, 3e-6, "\(path) \(m) rows") { expected[$0][$1] }
                    expectClose(c, 1e-2, "\(path) \(m) rows, not rounded") { exact[$0][$1] }
                }
            }
        }

        /// Infinity and NaN do not vanish in the rounding; groups of tiny numbers are zero.
        @Test func eightBitsKeepWhatIsNoNumber() {
            var numbers = TestNumbers(90)
            let (blocks, _) = BlockType.all[1].matrix(9, 64, from: &numbers)
            for (value, isNumber) in [(Float.infinity, false), (.nan, false), (1e-38, true)] {
                var a = Matrix(1, 64)
                a[0, 40] = value
                onEachPath { path in
                    var c = Matrix(1, 9, .nan)
                    ck_gemm_int8(CK_STORAGE_Q4_1, 1, 9, 64, a.storage, 64, blocks, 64, &c.storage, 9, nil)
                    #expect((0..<9).allSatisfy { isNumber ? c[0, $0] == 0 : c[0, $0].isNaN }, "\(path) \(value)")
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
