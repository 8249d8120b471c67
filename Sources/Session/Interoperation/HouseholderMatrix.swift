/// PyTorch's orthogonal parametrisation, outside training: by Householder reflectors, or for square matrices by the
/// exponential.
///
///     R = B · H₁ ⋯ H_r · E · diag(trunc(diag A)),   H_i = 1 − 2 v vᵀ / (v · v)
///
/// with a base B [d, d], a raw matrix A [d, r], and v from A's column i below the diagonal, where it has 1. Where r = d,
/// R = B · exp(tril A − (tril A)ᵀ).
/// All matrices are row-major here. Source: torch.nn.utils.parametrizations._Orthogonal.
enum HouseholderMatrix {
    /// R [rows, columns] of a raw matrix and its base; nil base for the identity.
    static func columns(raw: [Float], base: [Float]?, rows: Int, columns: Int) -> [Float] {
        // The transpose of R, so that columns lie one after another.
        let q =
            rows == columns
            ? exponential(raw, rows) : reflectorProduct(raw: raw, rows: rows, columns: columns)
        guard let base else { return transposed(q, rows: columns, columns: rows) }
        var result = [Float](repeating: 0, count: rows * columns)
        base.withUnsafeBufferPointer { base in
            q.withUnsafeBufferPointer { q in
                for row in 0..<rows {
                    for column in 0..<columns {
                        var sum = 0.0
                        for inner in 0..<rows { sum += Double(base[row * rows + inner]) * q[column * rows + inner] }
                        result[row * columns + column] = Float(sum)
                    }
                }
            }
        }
        return result
    }

    /// exp(S) of the skew-symmetric S = tril A − (tril A)ᵀ, column after column: the series of S / 2ˢ, squared s times.
    private static func exponential(_ raw: [Float], _ size: Int) -> [Double] {
        var skew = [Double](repeating: 0, count: size * size)
        for row in 0..<size {
            for column in 0..<row {
                let value = Double(raw[row * size + column])
                skew[column * size + row] = value
                skew[row * size + column] = -value
            }
        }
        var identity = [Double](repeating: 0, count: size * size)
        for place in 0..<size { identity[place * size + place] = 1 }
        let norm = (0..<size).map { column in (0..<size).reduce(0) { $0 + abs(skew[column * size + $1]) } }.max() ?? 0
        guard norm > 0 else { return identity }
        let halvings = max(0, Int(norm.exponent) + 2)
        let scale = Double(sign: .plus, exponent: -halvings, significand: 1)
        skew = skew.map { $0 * scale }
        var (sum, term) = (identity, identity)
        for order in 1...14 {
            term = product(term, skew, size).map { $0 / Double(order) }
            for place in sum.indices { sum[place] += term[place] }
        }
        for _ in 0..<halvings { sum = product(sum, sum, size) }
        return sum
    }

    /// The product of two matrices whose columns lie one after another.
    private static func product(_ left: [Double], _ right: [Double], _ size: Int) -> [Double] {
        var result = [Double](repeating: 0, count: size * size)
        result.withUnsafeMutableBufferPointer { result in
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    for column in 0..<size {
                        for inner in 0..<size {
                            let factor = right[column * size + inner]
                            for row in 0..<size { result[column * size + row] += left[inner * size + row] * factor }
                        }
                    }
                }
            }
        }
        return result
    }

    /// H₁ ⋯ H_r · E · diag(trunc(diag A)), column after column.
    private static func reflectorProduct(raw: [Float], rows: Int, columns: Int) -> [Double] {
        var q = [Double](repeating: 0, count: rows * columns)
        for column in 0..<columns { q[column * rows + column] = 1 }
        for index in (0..<columns).reversed() {
            var v = [Double](repeating: 1, count: rows - index)
            for row in index + 1..<max(rows, index + 1) { v[row - index] = Double(raw[row * columns + index]) }
            let square = v.reduce(0) { $0 + $1 * $1 }
            for column in 0..<columns { reflect(&q, at: column * rows + index, v, 2 / square) }
        }
        for column in 0..<columns {
            let sign = Double(raw[column * columns + column]).rounded(.towardZero)
            for row in 0..<rows { q[column * rows + row] *= sign }
        }
        return q
    }

    /// A base whose first columns are exactly `start` [rows, columns], and the raw matrix −E that selects them: H_i of
    /// it turns the sign of column i, and the diagonal turns it back. (Its exponential, where it is square, is 1.)
    static func parametrised(_ start: [Float], rows: Int, columns: Int) -> (raw: [Float], base: [Float]) {
        var raw = [Float](repeating: 0, count: rows * columns)
        for column in 0..<columns { raw[column * columns + column] = -1 }
        let completion = completed(start, rows: rows, columns: columns)
        var base = [Float](repeating: 0, count: rows * rows)
        for row in 0..<rows {
            for column in 0..<rows {
                base[row * rows + column] =
                    column < columns ? start[row * columns + column] : Float(completion[column * rows + row])
            }
        }
        return (raw, base)
    }

    /// An orthogonal matrix, column after column, whose first columns span those of `start`: the product of the
    /// reflectors of its QR decomposition.
    private static func completed(_ start: [Float], rows: Int, columns: Int) -> [Double] {
        var a = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns { a[column * rows + row] = Double(start[row * columns + column]) }
        }
        var reflectors: [[Double]] = []
        for index in 0..<columns {
            var v = Array(a[index * rows + index..<(index + 1) * rows])
            let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
            v[0] += v[0] < 0 ? -norm : norm
            let square = v.reduce(0) { $0 + $1 * $1 }
            reflectors.append(v)
            guard square > 0 else { continue }
            for column in index..<columns { reflect(&a, at: column * rows + index, v, 2 / square) }
        }
        var q = [Double](repeating: 0, count: rows * rows)
        for column in 0..<rows { q[column * rows + column] = 1 }
        for index in (0..<columns).reversed() {
            let square = reflectors[index].reduce(0) { $0 + $1 * $1 }
            guard square > 0 else { continue }
            for column in 0..<rows { reflect(&q, at: column * rows + index, reflectors[index], 2 / square) }
        }
        return q
    }

    /// x ← x − τ v (v · x) for the numbers from `start` on.
    private static func reflect(_ x: inout [Double], at start: Int, _ v: [Double], _ tau: Double) {
        x.withUnsafeMutableBufferPointer { x in
            v.withUnsafeBufferPointer { v in
                var sum = 0.0
                for place in v.indices { sum += v[place] * x[start + place] }
                sum *= tau
                for place in v.indices { x[start + place] -= sum * v[place] }
            }
        }
    }

    private static func transposed(_ matrix: [Double], rows: Int, columns: Int) -> [Float] {
        (0..<columns).flatMap { column in (0..<rows).map { Float(matrix[$0 * columns + column]) } }
    }
}
