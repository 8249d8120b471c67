/// What a trained tensor is: shape, first value, constraint. The numbers live in a store beside the graph.
public struct ParameterSpecification: Hashable, Sendable {
    /// The name within its intervention, such as `rotation`.
    public var name: String
    /// `[rows, columns]`; a vector is `[1, n]`.
    public var rows: Int
    public var columns: Int
    /// How it starts.
    public var initialiser: Initialiser
    /// What stays true of it in training.
    public var constraint: Constraint
    /// Whether weight decay applies to it.
    public var decays: Bool
    /// The course that training moves it along by plan, instead of by its gradient; nil for what is trained.
    public var schedule: ScalarSchedule?

    /// A trained tensor of `rows` × `columns`.
    public init(
        _ name: String, _ rows: Int, _ columns: Int, initialiser: Initialiser, constraint: Constraint = .none,
        decays: Bool = true, schedule: ScalarSchedule? = nil
    ) {
        self.name = name
        self.rows = rows
        self.columns = columns
        self.initialiser = initialiser
        self.constraint = constraint
        self.decays = decays
        self.schedule = schedule
    }

    /// The number of trained numbers, as the field counts them. Only for shapes that have been checked.
    public var count: Int { rows * columns }
}

/// How a parameter starts.
public enum Initialiser: Hashable, Sendable {
    case zeros
    case constant(Double)
    /// Uniform in [low, high).
    case uniform(Double, Double)
    /// Gaussian of this standard deviation.
    case normal(Double)
    /// Orthonormal columns: the Q of the QR decomposition of a Gaussian matrix, signs fixed so that R's diagonal is positive.
    case orthonormal
    /// The numbers of a frozen tensor of the model, which is trained instead.
    case weight(String)
    /// Given numbers, row after row.
    case values([Float])

    /// Uniform ±1/√inputs, as a default linear layer in PyTorch.
    public static func linear(inputs: Int) -> Initialiser {
        let bound = 1 / Double(max(inputs, 1)).squareRoot()
        return .uniform(-bound, bound)
    }
}

/// What must stay true of a parameter while it is trained.
public enum Constraint: String, Hashable, Sendable {
    case none
    /// RᵀR = I. Needs rows ≥ columns.
    case orthonormalColumns
}
