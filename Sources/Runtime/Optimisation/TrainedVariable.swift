/// What the optimiser moves for one parameter: the parameter itself, or free numbers that it is computed from.
class TrainedVariable {
    let entry: ParameterEntry
    /// The numbers that move and their gradient, both rows × columns of the parameter.
    var raw: UnsafeMutablePointer<Float> { entry.values }
    var rawGradient: UnsafeMutablePointer<Float> { entry.gradient }
    /// Whether decay of `raw` means anything.
    var decays: Bool { entry.specification.decays }

    init(_ entry: ParameterEntry) { self.entry = entry }

    var rows: Int { entry.specification.rows }
    var columns: Int { entry.specification.columns }
    var count: Int { entry.specification.count }

    /// Makes `rawGradient` from the parameter's gradient.
    func pullBack() {}
    /// Called around the move of `raw`; the second makes the parameter from `raw`.
    func beforeMove() {}
    func afterMove() {}
    /// What has to be saved besides moments, by kind.
    var savedState: [(kind: String, rows: Int, columns: Int, values: [Float])] { [] }
    /// Takes saved state back. The shapes have been checked.
    func restore(_ state: [String: [Float]]) {}
}

/// Keeps columns orthonormal by moving along the tangent space and going back to the nearest Q of a QR decomposition.
///
/// The gradient is projected to the tangent space of the Stiefel manifold at R: G − R·sym(RᵀG) (Edelman, Arias & Smith
/// 1998, eq. 2.53 with the Euclidean metric). Decay would only scale R, which the QR decomposition undoes: none is applied.
final class RetractedColumns: TrainedVariable {
    private let tangent: UnsafeMutablePointer<Float>

    // Work space, overwritten at each step.
    private var (r, g): (ColumnMatrix, ColumnMatrix)
    private var (product, symmetric): (ColumnMatrix, ColumnMatrix)
    private var orthonormaliser: Orthonormaliser

    override init(_ entry: ParameterEntry) {
        let (rows, columns) = (entry.specification.rows, entry.specification.columns)
        tangent = .allocate(capacity: entry.specification.count)
        tangent.initialize(repeating: 0, count: entry.specification.count)
        (r, product) = (ColumnMatrix(rows: rows, columns: columns), ColumnMatrix(rows: columns, columns: columns))
        (g, symmetric) = (r, product)
        orthonormaliser = Orthonormaliser(columns: columns)
        super.init(entry)
    }

    deinit { tangent.deallocate() }

    override var rawGradient: UnsafeMutablePointer<Float> { tangent }
    override var decays: Bool { false }

    override func pullBack() {
        r.load(rowMajor: entry.values)
        g.load(rowMajor: entry.gradient)
        product.set(r, turned: true, g)
        for column in 0..<columns {
            for row in 0..<columns { symmetric[row, column] = (product[row, column] + product[column, row]) / 2 }
        }
        g.set(factor: -1, r, symmetric, keeping: 1)
        g.store(rowMajor: tangent)
    }

    override func afterMove() {
        r.load(rowMajor: entry.values)
        orthonormaliser.orthonormalise(&r)
        r.store(rowMajor: entry.values)
    }
}
