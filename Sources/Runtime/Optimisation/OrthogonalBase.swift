/// An orthogonal rows × rows matrix, as reflectors or dense. Multiplied matrices are column-major.
struct OrthogonalBase {
    private let rows: Int
    private let form: Form
    /// What the base was made from: its first columns, or all of it; row-major.
    let saved: [Float]

    private enum Form {
        /// H_1 ⋯ H_r · diag(signs, 1, …).
        case reflectors([[Double]], tau: [Double], signs: [Double])
        /// Row-major.
        case dense([Double])
    }

    /// A base whose first columns are the given orthonormal ones (row-major), held as reflectors: rows × columns numbers.
    init(completing start: [Float], rows: Int, columns: Int) {
        self.rows = rows
        saved = start
        let decomposition = QRDecomposition(start.map(Double.init), rows: rows, columns: columns)
        let reflectors = (0..<columns).map { column in
            [1] + decomposition.factors[column * rows + column + 1..<(column + 1) * rows]
        }
        form = .reflectors(reflectors, tau: decomposition.tau, signs: decomposition.signs)
    }

    /// A given rows × rows matrix, row-major.
    init(dense: [Float], rows: Int) {
        self.rows = rows
        saved = dense
        form = .dense(dense.map(Double.init))
    }

    var isDense: Bool { if case .dense = form { true } else { false } }

    /// matrix ← base · matrix.
    func multiply(_ matrix: inout [Double], columns: Int) {
        switch form {
        case .reflectors(let reflectors, let tau, let signs):
            for column in 0..<columns {
                for (row, sign) in signs.enumerated() { matrix[column * rows + row] *= sign }
                for index in reflectors.indices.reversed() {
                    applyReflector(reflectors[index], tau[index], to: &matrix, from: column * rows + index)
                }
            }
        case .dense(let base):
            multiplyDense(&matrix, columns) { row, inner in base[row * rows + inner] }
        }
    }

    /// matrix ← baseᵀ · matrix.
    func multiplyTransposed(_ matrix: inout [Double], columns: Int) {
        switch form {
        case .reflectors(let reflectors, let tau, let signs):
            for column in 0..<columns {
                for index in reflectors.indices {
                    applyReflector(reflectors[index], tau[index], to: &matrix, from: column * rows + index)
                }
                for (row, sign) in signs.enumerated() { matrix[column * rows + row] *= sign }
            }
        case .dense(let base):
            multiplyDense(&matrix, columns) { row, inner in base[inner * rows + row] }
        }
    }

    private func multiplyDense(_ matrix: inout [Double], _ columns: Int, _ base: (Int, Int) -> Double) {
        var result = [Double](repeating: 0, count: matrix.count)
        for column in 0..<columns {
            for row in 0..<rows {
                var sum = 0.0
                for inner in 0..<rows { sum += base(row, inner) * matrix[column * rows + inner] }
                result[column * rows + row] = sum
            }
        }
        matrix = result
    }
}
