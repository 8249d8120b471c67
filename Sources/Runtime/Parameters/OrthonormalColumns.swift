import COpenBLAS

/// QR decomposition in Float64 of a tall matrix with row-major f32 numbers at its border.
struct QRDecomposition {
    let rows: Int
    let columns: Int
    /// Column-major, as LAPACK has it: reflectors below the diagonal, the triangular factor on and above it.
    var factors: [Double]
    var tau: [Double]

    /// - Parameter matrix: rows × columns, row-major, rows ≥ columns.
    init(_ matrix: [Double], rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        factors = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns { factors[column * rows + row] = matrix[row * columns + column] }
        }
        tau = [Double](repeating: 0, count: columns)
        // The pool's first use sets OpenBLAS to one thread, which keeps the bits the same.
        _ = Threads.count
        var (m, n, lead, info) = (CInt(rows), CInt(columns), CInt(max(1, rows)), CInt(0))
        var workCount = CInt(max(1, columns * 64))
        var work = [Double](repeating: 0, count: Int(workCount))
        dgeqrf_(&m, &n, &factors, &lead, &tau, &work, &workCount, &info)
    }

    /// The sign of each diagonal element of the triangular factor.
    var signs: [Double] { (0..<columns).map { factors[$0 * rows + $0] < 0 ? -1 : 1 } }

    /// Q with the signs that make the triangular factor's diagonal positive, row-major.
    func orthonormalColumns() -> [Double] {
        var q = factors
        var (m, n, k) = (CInt(rows), CInt(columns), CInt(columns))
        var (lead, info) = (CInt(max(1, rows)), CInt(0))
        var workCount = CInt(max(1, columns * 64))
        var work = [Double](repeating: 0, count: Int(workCount))
        dorgqr_(&m, &n, &k, &q, &lead, tau, &work, &workCount, &info)
        let signs = signs
        var result = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns { result[row * columns + column] = signs[column] * q[column * rows + row] }
        }
        return result
    }
}

/// The largest element of |RᵀR − I|, computed in Float64.
public func orthonormalityError(_ matrix: MatrixView) -> Double {
    var largest = 0.0
    for first in 0..<matrix.columns {
        for second in first..<matrix.columns {
            var product = first == second ? -1.0 : 0.0
            for row in 0..<matrix.rows { product += Double(matrix[row, first]) * Double(matrix[row, second]) }
            largest = max(largest, abs(product))
        }
    }
    return largest
}
