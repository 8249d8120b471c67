/// A matrix with orthonormal columns as a product of reflectors of a free matrix A (rows × columns), as torch's
/// `orthogonal(…, orthogonal_map="householder")` with trivialisation has it:
///
///     v_i = column i of A below the diagonal, with 1 on it and 0 above;  H_i = I − 2·v_i·v_iᵀ / (v_iᵀ·v_i)
///     R = base · (H_1 ⋯ H_r)[:, :r] · diag(⌊A_ii⌋ towards 0)
///
/// A starts as −1 on the diagonal and 0 elsewhere, which makes R the first columns of the base. Only A below the
/// diagonal is trained. torch's decay acts on the diagonal too, whose whole part then becomes 0, and R with it; here the
/// diagonal does not move. Arithmetic is Float64.
final class HouseholderColumns: TrainedVariable {
    private let free: UnsafeMutablePointer<Float>
    private let freeGradient: UnsafeMutablePointer<Float>
    private var base: OrthogonalBase
    private var diagonal: [Float] = []

    override init(_ entry: ParameterEntry) {
        let (rows, columns, count) = (
            entry.specification.rows, entry.specification.columns, entry.specification.count
        )
        free = .allocate(capacity: count)
        free.initialize(repeating: 0, count: count)
        for column in 0..<columns { free[column * columns + column] = -1 }
        freeGradient = .allocate(capacity: count)
        freeGradient.initialize(repeating: 0, count: count)
        base = OrthogonalBase(completing: entry.valueView.floats(), rows: rows, columns: columns)
        super.init(entry)
    }

    deinit {
        free.deallocate()
        freeGradient.deallocate()
    }

    override var raw: UnsafeMutablePointer<Float> { free }
    override var rawGradient: UnsafeMutablePointer<Float> { freeGradient }

    /// Takes torch's raw state: `original` rows × columns and `base` rows × rows. The counts have been checked.
    func set(original: [Float], denseBase: [Float]) {
        for (place, value) in original.enumerated() { free[place] = value }
        base = OrthogonalBase(dense: denseBase, rows: rows)
        diagonal = []
        afterMove()
    }

    override func beforeMove() { diagonal = (0..<columns).map { free[$0 * columns + $0] } }

    override func afterMove() {
        for (column, value) in diagonal.enumerated() { free[column * columns + column] = value }
        var q = reflectorProduct()
        scaleColumns(&q)
        base.multiply(&q, columns: columns)
        for row in 0..<rows {
            for column in 0..<columns { entry.values[row * columns + column] = Float(q[column * rows + row]) }
        }
    }

    /// With P_i = H_{i+1} ⋯ H_r·E, L_i = H_{i−1} ⋯ H_1·baseᵀ·G·D, s = v·v and τ = 2/s:
    /// ∂v = −τ·(L_i·(P_iᵀv) + P_i·(L_iᵀv)) + τ²·(vᵀL_i)(P_iᵀv)·v, of which the rows below the diagonal count.
    override func pullBack() {
        var product = reflectorProduct()
        var left = [Double](repeating: 0, count: count)
        for row in 0..<rows {
            for column in 0..<columns { left[column * rows + row] = Double(entry.gradient[row * columns + column]) }
        }
        base.multiplyTransposed(&left, columns: columns)
        scaleColumns(&left)
        freeGradient.update(repeating: 0, count: count)
        for index in 0..<columns {
            let v = reflector(index)
            let tau = 2 / v.reduce(0) { $0 + $1 * $1 }
            reflect(&product, v, tau, index)
            let (leftDots, productDots) = (dots(left, v, index), dots(product, v, index))
            let joint = zip(leftDots, productDots).reduce(0) { $0 + $1.0 * $1.1 }
            for row in index + 1..<max(rows, index + 1) {
                var sum = 0.0
                for column in 0..<columns {
                    sum += left[column * rows + row] * productDots[column]
                    sum += product[column * rows + row] * leftDots[column]
                }
                freeGradient[row * columns + index] = Float(tau * (tau * joint * v[row - index] - sum))
            }
            reflect(&left, v, tau, index)
        }
    }

    override var savedState: [(kind: String, rows: Int, columns: Int, values: [Float])] {
        [
            ("raw", rows, columns, (0..<count).map { free[$0] }),
            (base.isDense ? "base" : "base_columns", rows, base.isDense ? rows : columns, base.saved),
        ]
    }

    override func restore(_ state: [String: [Float]]) {
        if let dense = state["base"] {
            base = OrthogonalBase(dense: dense, rows: rows)
        } else if let start = state["base_columns"] {
            base = OrthogonalBase(completing: start, rows: rows, columns: columns)
        }
        diagonal = []
        if let original = state["raw"] {
            for (place, value) in original.enumerated() { free[place] = value }
            afterMove()
        }
    }

    // MARK: Reflectors; matrices are column-major from here on.

    /// v_i from its 1 on, so rows − i numbers.
    private func reflector(_ index: Int) -> [Double] {
        [1] + (index + 1..<max(rows, index + 1)).map { Double(free[$0 * columns + index]) }
    }

    /// (H_1 ⋯ H_r)·E, rows × columns.
    private func reflectorProduct() -> [Double] {
        var q = [Double](repeating: 0, count: count)
        for column in 0..<columns { q[column * rows + column] = 1 }
        for index in (0..<columns).reversed() {
            let v = reflector(index)
            reflect(&q, v, 2 / v.reduce(0) { $0 + $1 * $1 }, index)
        }
        return q
    }

    /// matrix ← H·matrix.
    private func reflect(_ matrix: inout [Double], _ v: [Double], _ tau: Double, _ index: Int) {
        for column in 0..<columns {
            applyReflector(v, tau, to: &matrix, from: column * rows + index)
        }
    }

    private func dots(_ matrix: [Double], _ v: [Double], _ index: Int) -> [Double] {
        (0..<columns).map { column in
            var sum = 0.0
            for place in v.indices { sum += v[place] * matrix[column * rows + index + place] }
            return sum
        }
    }

    private func scaleColumns(_ matrix: inout [Double]) {
        for column in 0..<columns {
            let factor = Double(free[column * columns + column]).rounded(.towardZero)
            for row in 0..<rows { matrix[column * rows + row] *= factor }
        }
    }
}

/// x ← x − τ·v·(v·x) for the numbers of x that begin at `start`.
func applyReflector(_ v: [Double], _ tau: Double, to x: inout [Double], from start: Int) {
    var sum = 0.0
    for place in v.indices { sum += v[place] * x[start + place] }
    sum *= tau
    for place in v.indices { x[start + place] -= sum * v[place] }
}
