/// PyTorch's orthogonal parametrisation, outside training: by Householder reflectors, or for square matrices by the
/// exponential.
///
///     R = B · H₁ ⋯ H_r · E · diag(trunc(diag A)),   H_i = 1 − 2 v vᵀ / (v · v)
///
/// with a base B [d, d], a raw matrix A [d, r], and v from A's column i below the diagonal, where it has 1. Where r = d,
/// R = B · exp(tril A − (tril A)ᵀ).
/// Given and resulting matrices are row-major f32; arithmetic is Float64. Source:
/// torch.nn.utils.parametrizations._Orthogonal.
package enum HouseholderMatrix {
    /// R [rows, columns] of a raw matrix and its base; nil base for the identity. rows ≥ columns.
    package static func columns(raw: [Float], base: [Float]?, rows: Int, columns: Int) -> [Float] {
        let q =
            rows == columns
            ? ColumnMatrix(skewOf: raw, size: rows).exponential()
            : reflectorProduct(ColumnMatrix(rowMajor: raw, rows: rows, columns: columns))
        guard let base else { return q.rowMajor }
        return ColumnMatrix(rowMajor: base, rows: rows, columns: rows).times(q).rowMajor
    }

    /// H₁ ⋯ H_r · E · diag(trunc(diag A)).
    private static func reflectorProduct(_ raw: ColumnMatrix) -> ColumnMatrix {
        let factors = (0..<raw.columns).map { column in
            2 / (1 + raw.column(column).dropFirst(column + 1).reduce(0) { $0 + $1 * $1 })
        }
        var q = raw.reflectorProduct(factors: factors, columns: raw.columns)
        for column in 0..<raw.columns {
            let sign = raw[column, column].rounded(.towardZero)
            for row in 0..<raw.rows { q[row, column] *= sign }
        }
        return q
    }

    /// A base whose first columns are exactly `start` [rows, columns], and the raw matrix −E that selects them: H_i of
    /// it turns the sign of column i, and the diagonal turns it back. (Its exponential, where it is square, is 1.)
    package static func parametrised(_ start: [Float], rows: Int, columns: Int) -> (raw: [Float], base: [Float]) {
        var raw = [Float](repeating: 0, count: rows * columns)
        for column in 0..<columns { raw[column * columns + column] = -1 }
        guard columns < rows else { return (raw, start) }
        // An orthogonal matrix whose first columns span those of `start`; they are replaced by it.
        var (reflectors, factors) = ColumnMatrix(rowMajor: start, rows: rows, columns: columns).decomposed()
        reflectors = reflectors.reflectorProduct(factors: factors, columns: rows)
        var base = reflectors.rowMajor
        for row in 0..<rows {
            for column in 0..<columns { base[row * rows + column] = start[row * columns + column] }
        }
        return (raw, base)
    }
}

extension ColumnMatrix {
    /// tril A − (tril A)ᵀ of a square row-major matrix.
    fileprivate init(skewOf raw: [Float], size: Int) {
        self.init(rows: size, columns: size)
        for row in 0..<size {
            for column in 0..<row {
                let value = Double(raw[row * size + column])
                self[row, column] = value
                self[column, row] = -value
            }
        }
    }
}
