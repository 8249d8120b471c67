/// An orthogonal rows × rows matrix, as reflectors or dense.
struct OrthogonalBase {
    private var form: Form
    /// What the base was made from: its first columns, or all of it; row-major.
    let saved: [Float]

    private enum Form {
        /// H_1 ⋯ H_r · diag(signs, 1, …) = (1 − V·T·Vᵀ) · diag(signs, 1, …), with T upper triangular (Schreiber & Van Loan
        /// 1989).
        case reflectors(v: ColumnMatrix, t: ColumnMatrix, signs: [Double])
        case dense(ColumnMatrix)
    }

    /// A base whose first columns are the given orthonormal ones (row-major), held as reflectors: rows × columns numbers.
    init(completing start: [Float], rows: Int, columns: Int) {
        saved = start
        let decomposition = QRDecomposition(start.map(Double.init), rows: rows, columns: columns)
        var v = ColumnMatrix(rows: rows, columns: columns)
        for column in 0..<columns {
            v[column, column] = 1
            for row in column + 1..<max(rows, column + 1) {
                v[row, column] = decomposition.factors[column * rows + row]
            }
        }
        form = .reflectors(v: v, t: Self.triangle(of: v, factors: decomposition.tau), signs: decomposition.signs)
    }

    /// A given rows × rows matrix, row-major.
    init(dense: [Float], rows: Int) {
        saved = dense
        form = .dense(ColumnMatrix(rowMajor: dense, rows: rows, columns: rows))
    }

    var isDense: Bool { if case .dense = form { true } else { false } }

    /// T of H_1 ⋯ H_r = 1 − V·T·Vᵀ with H_i = 1 − factor_i·v_i·v_iᵀ, column by column:
    /// T_ii = factor_i, T_ji = −factor_i · Σ_k T_jk (v_k · v_i) over k < i.
    private static func triangle(of v: ColumnMatrix, factors: [Double]) -> ColumnMatrix {
        var gram = ColumnMatrix(rows: v.columns, columns: v.columns)
        gram.setUpperGram(v)
        var t = ColumnMatrix(rows: v.columns, columns: v.columns)
        for (column, factor) in factors.enumerated() {
            for row in 0..<column {
                t[row, column] = -factor * (row..<column).reduce(0) { $0 + t[row, $1] * gram[$1, column] }
            }
            t[column, column] = factor
        }
        return t
    }

    /// matrix ← base · matrix, or baseᵀ · matrix if `turned`. `spare` has the matrix's shape, `small` two matrices
    /// [columns, columns] of it; they are overwritten.
    func multiply(
        _ matrix: inout ColumnMatrix, turned: Bool = false, spare: inout ColumnMatrix,
        small: inout (ColumnMatrix, ColumnMatrix)
    ) {
        switch form {
        case .reflectors(let v, let t, let signs):
            if !turned { for (row, sign) in signs.enumerated() { matrix.scale(row: row, by: sign) } }
            small.0.set(v, turned: true, matrix)
            small.1.set(t, turned: turned, small.0)
            matrix.set(factor: -1, v, small.1, keeping: 1)
            if turned { for (row, sign) in signs.enumerated() { matrix.scale(row: row, by: sign) } }
        case .dense(let base):
            spare.set(base, turned: turned, matrix)
            swap(&spare, &matrix)
        }
    }
}
