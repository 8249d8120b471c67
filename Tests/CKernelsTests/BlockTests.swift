import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct BlockTests {
        @Test(arguments: [(1, 1, 1, 1), (3, 5, 2, 4), (40, 70, 3, 3), (2, 1024, 8, 9)])
        func blocksAtPlaces(rows: Int, width: Int, parts: Int, count: Int) {
            var numbers = TestNumbers(71)
            let x = Matrix(rows, parts * width, gap: 2, from: &numbers)
            let z = Matrix(rows, width, gap: 1, from: &numbers)
            let weights = Matrix(rows, parts, gap: 1, from: &numbers)
            var places = Matrix(rows, parts, gap: 3)
            for r in 0..<rows { for j in 0..<parts { places[r, j] = Float((r + j * (count - 1)) % count) } }
            let (n, w, k, c) = (Int64(rows), Int64(width), Int64(parts), Int64(count))
            func part(_ r: Int, of block: Int) -> Int? { (0..<parts).first { Int(places[r, $0]) == block } }
            onEachPath { path in
                var all = Matrix(rows, count * width, gap: 1)
                ck_place_blocks(n, w, k, c, x.storage, x.ld, places.storage, places.ld, &all.storage, all.ld)
                expectClose(all, 0, "\(path) place") { r, column in
                    part(r, of: column / width).map { x.value(r, $0 * width + column % width) } ?? 0
                }
                var taken = Matrix(rows, parts * width, gap: 1)
                ck_take_blocks(n, w, k, c, all.storage, all.ld, places.storage, places.ld, &taken.storage, taken.ld)
                expectClose(taken, 0, "\(path) take") { x.value($0, $1) }

                var mixed = Matrix(rows, width, gap: 1)
                ck_mix_blocks(n, w, k, x.storage, x.ld, weights.storage, weights.ld, &mixed.storage, mixed.ld)
                expectClose(mixed, 2e-6, "\(path) mix") { r, column in
                    (0..<parts).reduce(0) { $0 + weights.value(r, $1) * x.value(r, $1 * width + column) }
                }
                var spread = Matrix(rows, parts * width, gap: 1)
                ck_spread_blocks(n, w, k, z.storage, z.ld, weights.storage, weights.ld, &spread.storage, spread.ld)
                expectClose(spread, 1e-6, "\(path) spread") { r, column in
                    weights.value(r, column / width) * z.value(r, column % width)
                }
                var dots = Matrix(rows, parts, gap: 1)
                ck_dot_blocks(n, w, k, x.storage, x.ld, z.storage, z.ld, &dots.storage, dots.ld)
                expectClose(dots, 2e-6 * Double(width).squareRoot(), "\(path) dot") { r, part in
                    (0..<width).reduce(0) { $0 + x.value(r, part * width + $1) * z.value(r, $1) }
                }
            }
        }

        @Test func placesThatDoNotExist() {
            let places: [Float] = [-1, 7, .nan]
            var all = Matrix(1, 4, 9)
            let x = Matrix(1, 6, 5)
            ck_place_blocks(1, 2, 3, 2, x.storage, x.ld, places, 3, &all.storage, all.ld)
            expectClose(all, 0, "place") { _, _ in 0 }
            var taken = Matrix(1, 6, 9)
            ck_take_blocks(1, 2, 3, 2, all.storage, all.ld, places, 3, &taken.storage, taken.ld)
            expectClose(taken, 0, "take") { _, _ in 0 }
        }

        @Test(arguments: [(1, 1, 1), (5, 7, 3), (60, 64, 8), (3, 9, 9)])
        func largestOfEachRow(rows: Int, cols: Int, count: Int) {
            var numbers = TestNumbers(72)
            var x = Matrix(rows, cols, gap: 2, from: &numbers)
            if cols > 4 { x[0, 3] = x[0, 1] }
            var values = Matrix(rows, count, gap: 1)
            var columns = Matrix(rows, count, gap: 2)
            ck_top_k(
                Int64(rows), Int64(cols), Int64(count), x.storage, x.ld, &values.storage, values.ld, &columns.storage,
                columns.ld)
            let order = (0..<rows).map { r in (0..<cols).sorted { (x[r, $1], $0) < (x[r, $0], $1) } }
            expectClose(values, 0, "values") { x.value($0, order[$0][$1]) }
            expectClose(columns, 0, "columns") { Double(order[$0][$1]) }
        }

        @Test func notANumberIsTheLeast() {
            let x: [Float] = [.nan, 2, .nan, 5]
            var (values, columns) = ([Float](repeating: 0, count: 3), [Float](repeating: 0, count: 3))
            ck_top_k(1, 4, 3, x, 4, &values, 3, &columns, 3)
            #expect(columns == [3, 1, 0] && values[0] == 5 && values[1] == 2 && values[2].isNaN)
        }
    }
}
