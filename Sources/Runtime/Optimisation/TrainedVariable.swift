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

    override init(_ entry: ParameterEntry) {
        tangent = .allocate(capacity: entry.specification.count)
        tangent.initialize(repeating: 0, count: entry.specification.count)
        super.init(entry)
    }

    deinit { tangent.deallocate() }

    override var rawGradient: UnsafeMutablePointer<Float> { tangent }
    override var decays: Bool { false }

    override func pullBack() {
        let (r, g) = (entry.values, entry.gradient)
        // s = RᵀG, columns × columns.
        var product = [Double](repeating: 0, count: columns * columns)
        for row in 0..<rows {
            for i in 0..<columns {
                let value = Double(r[row * columns + i])
                for j in 0..<columns { product[i * columns + j] += value * Double(g[row * columns + j]) }
            }
        }
        for row in 0..<rows {
            for j in 0..<columns {
                var normal = 0.0
                for i in 0..<columns {
                    normal += Double(r[row * columns + i]) * (product[i * columns + j] + product[j * columns + i])
                }
                tangent[row * columns + j] = Float(Double(g[row * columns + j]) - 0.5 * normal)
            }
        }
    }

    override func afterMove() {
        let moved = (0..<count).map { Double(entry.values[$0]) }
        let columns = QRDecomposition(moved, rows: rows, columns: columns).orthonormalColumns()
        for (place, value) in columns.enumerated() { entry.values[place] = Float(value) }
    }
}
