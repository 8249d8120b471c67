/// A matrix with orthonormal columns as a product of reflectors of a free matrix A (rows × columns), as torch's
/// `orthogonal(…, orthogonal_map="householder")` with trivialisation has it:
///
///     v_i = column i of A below the diagonal, with 1 on it and 0 above;  H_i = I − 2·v_i·v_iᵀ / (v_iᵀ·v_i)
///     R = base · (H_1 ⋯ H_r)[:, :r] · diag(⌊A_ii⌋ towards 0)
///
/// A starts as −1 on the diagonal and 0 elsewhere, which makes R the first columns of the base. Only A below the
/// diagonal is trained. torch's decay acts on the diagonal too, whose whole part then becomes 0, and R with it; here the
/// diagonal does not move. Arithmetic is Float64.
///
/// The product of reflectors is taken at once, in matrix products: with V = (v_1 … v_r), the triangle
/// S = striu(VᵀV) + diag(VᵀV) / 2 and V₁ the first r rows of V (Schreiber & Van Loan 1989; Joffrain et al. 2006),
///
///     (H_1 ⋯ H_r)[:, :r] = E − V·X,   X = S⁻¹·V₁ᵀ
final class HouseholderColumns: TrainedVariable {
    private let free: UnsafeMutablePointer<Float>
    private let freeGradient: UnsafeMutablePointer<Float>
    private var base: OrthogonalBase
    private var diagonal: [Float]

    // Work space, overwritten at each step.
    private var v: ColumnMatrix
    private var s: ColumnMatrix
    private var x: ColumnMatrix
    private var (tall, spare): (ColumnMatrix, ColumnMatrix)
    private var small: (ColumnMatrix, ColumnMatrix)

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
        diagonal = [Float](repeating: -1, count: columns)
        let (wide, square) = (
            ColumnMatrix(rows: rows, columns: columns), ColumnMatrix(rows: columns, columns: columns)
        )
        (v, tall, spare, s, x, small) = (wide, wide, wide, square, square, (square, square))
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
        base = OrthogonalBase(dense: denseBase, rows: rows)
        setFree(original)
    }

    override func beforeMove() { for column in 0..<columns { diagonal[column] = free[column * columns + column] } }

    override func afterMove() {
        for column in 0..<columns { free[column * columns + column] = diagonal[column] }
        factorise()
        // E − V·X, in the base's columns.
        tall.set(factor: -1, v, x)
        for column in 0..<columns { tall[column, column] += 1 }
        scaleColumns()
        base.multiply(&tall, spare: &spare, small: &small)
        tall.store(rowMajor: entry.values)
    }

    /// With L = baseᵀ·G·D the gradient of (H_1 ⋯ H_r)[:, :r] and Z = S⁻ᵀ·VᵀL:
    ///
    ///     ∂V = V·(W + Wᵀ) − L·Xᵀ − (Zᵀ in the first r rows),   W = striu(Z·Xᵀ) + diag(Z·Xᵀ) / 2
    ///
    /// of which the rows below the diagonal count.
    override func pullBack() {
        factorise()
        tall.load(rowMajor: entry.gradient)
        base.multiply(&tall, turned: true, spare: &spare, small: &small)
        scaleColumns()
        small.0.set(v, turned: true, tall)
        small.0.solve(upper: s, turned: true)
        small.1.set(small.0, x, secondTurned: true)
        for column in 0..<columns { for row in 0..<column { small.1[column, row] = small.1[row, column] } }
        spare.set(v, small.1)
        spare.set(factor: -1, tall, x, secondTurned: true, keeping: 1)
        for column in 0..<columns {
            for row in 0..<columns { spare[row, column] -= small.0[column, row] }
            for row in 0...column { spare[row, column] = 0 }
        }
        spare.store(rowMajor: freeGradient)
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
        if let original = state["raw"] { setFree(original) }
    }

    private func setFree(_ original: [Float]) {
        for (place, value) in original.enumerated() { free[place] = value }
        beforeMove()
        afterMove()
    }

    /// V, S and X of the free matrix.
    private func factorise() {
        v.load(rowMajor: free)
        for column in 0..<columns {
            for row in 0..<column { v[row, column] = 0 }
            v[column, column] = 1
        }
        s.setUpperGram(v)
        for column in 0..<columns {
            s[column, column] /= 2
            for row in 0..<columns { x[column, row] = v[row, column] }
        }
        x.solve(upper: s)
    }

    private func scaleColumns() {
        for column in 0..<columns {
            tall.scale(column: column, by: Double(diagonal[column]).rounded(.towardZero))
        }
    }
}
