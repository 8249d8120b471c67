import Foundation

extension Adapter.ParameterValues {
    /// The principal angles between the column spaces of two matrices with orthonormal columns, in degrees, ascending.
    ///
    /// Their cosines are the singular values of AᵀB (Björck and Golub 1973). 0 is a direction that both have, 90 one that
    /// is orthogonal to the other space. Nil where the matrices have other than equally many rows, or no orthonormal columns.
    public func principalAngles(to other: Adapter.ParameterValues) -> [Double]? {
        guard rows == other.rows, hasOrthonormalColumns, other.hasOrthonormalColumns else { return nil }
        // The columns of the product, of which the smaller side has fewest.
        let (a, b) = columns >= other.columns ? (self, other) : (other, self)
        var product = (0..<b.columns).map { right in
            (0..<a.columns).map { left in
                (0..<rows).reduce(0.0) {
                    $0 + Double(a.values[$1 * a.columns + left]) * Double(b.values[$1 * b.columns + right])
                }
            }
        }
        Self.orthogonalise(&product)
        let cosines = product.map { min($0.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1) }
        return cosines.map { acos($0) * 180 / .pi }.sorted()
    }

    /// One-sided Jacobi: rotates pairs of columns until all are orthogonal; their lengths are the singular values.
    private static func orthogonalise(_ columns: inout [[Double]]) {
        func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }
        for _ in 0..<60 {
            var rotated = false
            for first in columns.indices {
                for second in columns.indices where second > first {
                    let (p, q) = (columns[first], columns[second])
                    let (pp, qq, pq) = (dot(p, p), dot(q, q), dot(p, q))
                    guard abs(pq) > 1e-15 * (pp * qq).squareRoot(), abs(pq) > 1e-300 else { continue }
                    rotated = true
                    let tau = (qq - pp) / (2 * pq)
                    let tangent = (tau >= 0 ? 1.0 : -1) / (abs(tau) + (1 + tau * tau).squareRoot())
                    let cosine = 1 / (1 + tangent * tangent).squareRoot()
                    let sine = cosine * tangent
                    for place in p.indices {
                        columns[first][place] = cosine * p[place] - sine * q[place]
                        columns[second][place] = sine * p[place] + cosine * q[place]
                    }
                }
            }
            if !rotated { return }
        }
    }
}
