import Foundation
import Testing

@testable import Runtime

/// PyTorch's orthogonal parametrisation outside training, against torch (Tests/Reference/make_orthogonal_map.py).
@Suite struct HouseholderMatrixTests {
    struct TallCase: Decodable {
        var name: String
        var rows: Int
        var columns: Int
    }

    struct SquareCase: Decodable {
        var name: String
        var size: Int
    }

    @Test func reflectorsGiveTorchsColumns() throws {
        let file = try ReferenceFiles.tensors("orthogonal_map/tensors.safetensors")
        for map in try ReferenceFiles.json("orthogonal_map/cases.json", as: [TallCase].self) {
            let found = HouseholderMatrix.columns(
                raw: try file.tensor("\(map.name).original").floats(),
                base: try file.tensor("\(map.name).base").floats(),
                rows: map.rows, columns: map.columns)
            let wanted = try file.tensor("\(map.name).result").floats()
            #expect(largestDifference(found, wanted) <= 1e-5 * (wanted.map(abs).max() ?? 1), "\(map.name)")
        }
    }

    @Test func squareMatricesAreExponentials() throws {
        let file = try ReferenceFiles.tensors("orthogonal_map/squares.safetensors")
        for map in try ReferenceFiles.json("orthogonal_map/squares.json", as: [SquareCase].self) {
            let found = HouseholderMatrix.columns(
                raw: try file.tensor("\(map.name).raw").floats(), base: try file.tensor("\(map.name).base").floats(),
                rows: map.size, columns: map.size)
            // The expected values were computed in float64 and rounded once.
            #expect(largestDifference(found, try file.tensor("\(map.name).result").floats()) <= 2e-7, "\(map.name)")
        }
    }

    @Test(arguments: [(8, 3), (33, 8), (6, 6), (5, 1), (1, 1)]) func aBaseHoldsItsColumns(rows: Int, columns: Int)
        throws
    {
        let start = QRDecomposition(
            (0..<rows * columns).map { sin(Double($0 * $0 + 1)) }, rows: rows, columns: columns
        ).orthonormalColumns().map { Float($0) }
        let (raw, base) = HouseholderMatrix.parametrised(start, rows: rows, columns: columns)
        #expect(HouseholderMatrix.columns(raw: raw, base: base, rows: rows, columns: columns) == start)
        let identity = ColumnMatrix(rowMajor: base, rows: rows, columns: rows).rowMajorGram
        #expect(largestDifference(identity, ColumnMatrix.identity(rows).rowMajor) <= 1e-6)
    }
}

extension ColumnMatrix {
    /// selfᵀ · self.
    fileprivate var rowMajorGram: [Float] {
        (0..<columns).flatMap { first in
            (0..<columns).map { second in
                Float((0..<rows).reduce(0) { $0 + self[$1, first] * self[$1, second] })
            }
        }
    }
}
