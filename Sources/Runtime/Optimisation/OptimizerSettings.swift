/// How an optimiser moves parameters, apart from the learning rate.
public struct OptimizerSettings: Hashable, Sendable, Codable {
    /// The rule, as `torch.optim` defines it.
    public enum Method: Hashable, Sendable, Codable {
        /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
        case adamW(beta1: Double, beta2: Double, epsilon: Double)
        /// Stochastic gradient descent with momentum.
        case sgd(momentum: Double, dampening: Double, nesterov: Bool)
    }

    /// How a matrix with orthonormal columns is moved.
    public enum OrthonormalMap: String, Hashable, Sendable, Codable {
        /// The step follows the gradient's tangent part, then the matrix is made orthonormal again (QR).
        case retraction
        /// The matrix is a product of Householder reflectors of a free matrix, which is what moves; as torch's
        /// `orthogonal(…, orthogonal_map="householder")`.
        case householder
    }

    /// The rule that moves free numbers.
    public var method: Method
    /// Weight decay. It acts on parameters that say so; see ``Optimizer`` for those with orthonormal columns.
    public var weightDecay: Double
    /// How matrices with orthonormal columns are moved.
    public var orthonormalMap: OrthonormalMap
    /// Gradients whose joint norm is larger are scaled down to it, as torch's `clip_grad_norm_`; nil for no limit.
    public var gradientNormLimit: Double?

    public init(
        method: Method, weightDecay: Double = 0, orthonormalMap: OrthonormalMap = .retraction,
        gradientNormLimit: Double? = nil
    ) {
        self.method = method
        self.weightDecay = weightDecay
        self.orthonormalMap = orthonormalMap
        self.gradientNormLimit = gradientNormLimit
    }

    /// AdamW with torch's defaults but for the decay.
    public static func adamW(
        weightDecay: Double = 0, orthonormalMap: OrthonormalMap = .retraction, gradientNormLimit: Double? = nil
    ) -> OptimizerSettings {
        OptimizerSettings(
            method: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), weightDecay: weightDecay,
            orthonormalMap: orthonormalMap, gradientNormLimit: gradientNormLimit)
    }

    func check() throws(RuntimeError) {
        func require(_ holds: Bool, _ name: String, _ value: Double, _ allowed: String) throws(RuntimeError) {
            if !holds { throw .setting(name: name, given: "\(value)", allowed: allowed) }
        }
        try require(weightDecay >= 0 && weightDecay.isFinite, "weight decay", weightDecay, "0 and up")
        if let limit = gradientNormLimit { try require(limit > 0, "gradient norm limit", limit, "above 0") }
        switch method {
        case .adamW(let beta1, let beta2, let epsilon):
            try require(0 <= beta1 && beta1 < 1, "beta1", beta1, "0..<1")
            try require(0 <= beta2 && beta2 < 1, "beta2", beta2, "0..<1")
            try require(epsilon >= 0, "epsilon", epsilon, "0 and up")
        case .sgd(let momentum, let dampening, let nesterov):
            try require(momentum >= 0, "momentum", momentum, "0 and up")
            let allowed = "0 with Nesterov momentum, which itself is above 0"
            try require(!nesterov || momentum > 0 && dampening == 0, "dampening", dampening, allowed)
        }
    }
}
