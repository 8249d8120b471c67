import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct MovementTests {
        @Test func copyFillTranspose() {
            for shape in oddShapes + [(64, 48, 1), (32, 100, 0)] {
                var numbers = TestNumbers(51)
                let x = Matrix(shape.rows, shape.cols, gap: shape.gap, from: &numbers)
                let rows = Int64(shape.rows)
                let cols = Int64(shape.cols)
                var y = Matrix(shape.rows, shape.cols, gap: 1)
                ck_copy(rows, cols, x.storage, x.ld, &y.storage, y.ld)
                expectClose(y, 0, "copy") { x.value($0, $1) }
                var dense = Matrix(shape.rows, shape.cols)
                ck_copy(rows, cols, x.storage, x.ld, &dense.storage, dense.ld)
                expectClose(dense, 0, "copy") { x.value($0, $1) }
                ck_fill(rows, cols, 3.5, &y.storage, y.ld)
                expectClose(y, 0, "fill") { _, _ in 3.5 }
                var turned = Matrix(shape.cols, shape.rows, gap: 2)
                ck_transpose(rows, cols, x.storage, x.ld, &turned.storage, turned.ld)
                expectClose(turned, 0, "transpose") { x.value($1, $0) }
            }
        }

        @Test func gatherScatterAndTheirLimits() {
            var numbers = TestNumbers(61)
            let table = Matrix(9, 35, gap: 3, from: &numbers)
            let indices: [Int32] = [3, 0, 8, 3]
            onEachPath { path in
                var y = Matrix(4, 35, gap: 1)
                #expect(
                    ck_gather_rows(CK_STORAGE_F32, 4, 35, table.storage, 9, table.ld, indices, &y.storage, y.ld) == -1)
                expectClose(y, 0, "\(path) gather") { table.value(Int(indices[$0]), $1) }

                var target = Matrix(9, 35, gap: 2, 0.5)
                #expect(ck_scatter_add_rows(4, 35, y.storage, y.ld, indices, &target.storage, 9, target.ld) == -1)
                expectClose(target, 3e-7, "\(path) scatter add") { r, c in
                    0.5 + Double(indices.count { $0 == r }) * table.value(r, c)
                }
            }
            let x = Matrix(4, 35, gap: 1, from: &numbers)
            var target = Matrix(9, 35, gap: 2, 0.5)
            #expect(ck_scatter_rows(4, 35, x.storage, x.ld, indices, &target.storage, 9, target.ld) == -1)
            expectClose(target, 0, "scatter") { r, c in indices.lastIndex(of: Int32(r)).map { x.value($0, c) } ?? 0.5 }

            var untouched = Matrix(4, 35, 1)
            for bad: Int32 in [9, -1, .max] {
                let wrong = [0, 1, bad, 2]
                #expect(
                    ck_gather_rows(CK_STORAGE_F32, 4, 35, table.storage, 9, table.ld, wrong, &untouched.storage, 35)
                        == 2)
                #expect(ck_scatter_rows(4, 35, x.storage, x.ld, wrong, &untouched.storage, 4, 35) == 2)
                #expect(ck_scatter_add_rows(4, 35, x.storage, x.ld, wrong, &untouched.storage, 4, 35) == 2)
            }
            expectClose(untouched, 0, "refused") { _, _ in 1 }
        }

        /// A table of one row, gathered.
        private static func widen(_ storage: ck_storage, _ numbers: [UInt16], _ floats: inout [Float]) {
            let count = Int64(numbers.count)
            _ = ck_gather_rows(storage, 1, count, numbers, 1, count, [0], &floats, count)
        }

        /// All 65,536 halves: widening is exact, and narrowing them gives them back.
        @Test func halvesWidenExactlyAndNarrowBack() {
            let all = (0...UInt16.max).map { $0 }
            onEachPath { path in
                var floats = [Float](repeating: 0, count: all.count)
                var back = [UInt16](repeating: 0, count: all.count)
                Self.widen(CK_STORAGE_F16, all, &floats)
                ck_round_to_f16(floats, Int64(all.count), &back)
                let f16Agrees = all.allSatisfy {
                    let e = Int($0 >> 10 & 31)
                    let f = Double($0 & 1023)
                    let sign = $0 & 0x8000 == 0 ? 1.0 : -1
                    let value = Double(floats[Int($0)])
                    if e == 31 {
                        return f == 0 ? value == sign * .infinity : value.isNaN && back[Int($0)] & 0x7e00 == 0x7e00
                    }
                    let wanted = sign * (e == 0 ? f * pow(2, -24) : (1 + f / 1024) * pow(2, Double(e - 15)))
                    return value == wanted && back[Int($0)] == $0
                }
                #expect(f16Agrees, "\(path)")
                Self.widen(CK_STORAGE_BF16, all, &floats)
                ck_round_to_bf16(floats, Int64(all.count), &back)
                let bf16Agrees = all.allSatisfy {
                    let wanted = Float(bitPattern: UInt32($0) << 16)
                    let value = floats[Int($0)]
                    return wanted.isNaN ? value.isNaN : value.bitPattern == wanted.bitPattern && back[Int($0)] == $0
                }
                #expect(bf16Agrees, "\(path)")
            }
        }

        @Test func narrowingRoundsToNearestEven() {
            func f16(_ x: Float) -> UInt16 {
                var y: UInt16 = 0
                ck_round_to_f16([x], 1, &y)
                return y
            }
            func bf16(_ x: Float) -> UInt16 {
                var y: UInt16 = 0
                ck_round_to_bf16([x], 1, &y)
                return y
            }
            #expect(f16(1 + 0x1p-11) == 0x3c00 && f16(1 + 3 * 0x1p-11) == 0x3c02 && f16(1 + 0x1.8p-11) == 0x3c01)
            #expect(f16(65519.996) == 0x7bff && f16(65520) == 0x7c00 && f16(-1e9) == 0xfc00)
            #expect(f16(0x1p-25) == 0 && f16(0x1.8p-25) == 1 && f16(0x1.8p-24) == 2 && f16(-0.0) == 0x8000)
            #expect(
                bf16(1 + 0x1p-8) == 0x3f80 && bf16(1 + 3 * 0x1p-8) == 0x3f82 && bf16(.greatestFiniteMagnitude) == 0x7f80
            )
        }

        @Test func rotaryTablesAndRotation() {
            let positions: [Int32] = [0, 1, 5, 4095, 70000]
            let frequencies: [Float] = [1, 0.3, 0.01, 0.0002, 0.7, 0.11]
            let half = frequencies.count
            let heads = 3
            let size = 15
            var cosines = Matrix(5, half, gap: 1)
            var sines = cosines
            ck_rotary_tables(
                5, Int64(half), positions, frequencies, 1.25, true, &cosines.storage, &sines.storage, cosines.ld)
            expectClose(cosines, 1e-6, "rounded angles") { cos(Double(Float(positions[$0]) * frequencies[$1])) * 1.25 }
            ck_rotary_tables(
                5, Int64(half), positions, frequencies, 1.25, false, &cosines.storage, &sines.storage, cosines.ld)
            expectClose(cosines, 1e-7, "cosines") { cos(Double(positions[$0]) * Double(frequencies[$1])) * 1.25 }
            expectClose(sines, 1e-7, "sines") { sin(Double(positions[$0]) * Double(frequencies[$1])) * 1.25 }

            onEachPath { path in
                for interleaved in [false, true] {
                    for inverse in [false, true] {
                        var numbers = TestNumbers(71)
                        let x = Matrix(5, heads * size, gap: 2, from: &numbers)
                        var y = Matrix(5, heads * size, gap: 1)
                        ck_rotary(
                            5, Int64(heads), Int64(size), Int64(half), interleaved, inverse, x.storage, x.ld,
                            cosines.storage,
                            sines.storage, cosines.ld, &y.storage, y.ld)
                        let wanted: (Int, Int) -> Double = { r, column in
                            let i = column % size
                            let base = column - i
                            guard i < 2 * half else { return x.value(r, column) }
                            let pair = interleaved ? i / 2 : i % half
                            let first = interleaved ? i % 2 == 0 : i < half
                            let a = x.value(r, base + (interleaved ? 2 * pair : pair))
                            let b = x.value(r, base + (interleaved ? 2 * pair + 1 : pair + half))
                            let c = cosines.value(r, pair)
                            let s = sines.value(r, pair) * (inverse ? -1 : 1)
                            return first ? a * c - b * s : b * c + a * s
                        }
                        expectClose(y, 3e-7, "\(path) rotary \(interleaved) \(inverse)", wanted)
                        var inPlace = x
                        inPlace.storage.withUnsafeMutableBufferPointer {
                            ck_rotary(
                                5, Int64(heads), Int64(size), Int64(half), interleaved, inverse, $0.baseAddress, x.ld,
                                cosines.storage, sines.storage, cosines.ld, $0.baseAddress, x.ld)
                        }
                        expectClose(inPlace, 3e-7, "\(path) rotary in place", wanted)
                    }
                }
            }
        }
    }
}
