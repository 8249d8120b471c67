import Graph
import InterventionDSL

/// The direct edit that the paper calls DiReFT (Wu et al. 2024, arXiv 2404.03592, equation 3): neither orthonormality nor
/// a subtraction. pyreft calls it NodiReFT, and gives the name DiReFT to ``DiReFT``.
///
///     h + act(W₁ h + b) W₂
///
/// Rows h are [1, d]; W₁ and W₂ are [r, d], b is [1, r]: 2rd + r trained numbers.
/// Dropout acts on the edit, not on h, and only in training.
public struct NodiReFT: Intervention {
    public var rank: Int
    public var activation: Activation
    /// The probability with which an element of the edit is left out in training.
    public var dropout: Double

    public init(rank: Int, activation: Activation = .linear, dropout: Double = 0) {
        self.rank = rank
        self.activation = activation
        self.dropout = dropout
    }

    public func parameters(at site: SiteShape) -> ParameterList {
        linearLayer(site, rank) + [projection(site, rank)]
    }

    public func problems(at site: SiteShape) -> [String] {
        lowRankProblems(site, rank: rank, dropout: dropout)
    }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let target = activation(
            rows.linear(try context.parameter("weight"), bias: try context.parameter("bias")))
        let edit = context.inSubspace(target).times(try context.parameter("projection"))
        return rows + context.dropout(edit, rate: dropout)
    }

    private enum CodingKeys: String, CodingKey { case rank, activation, dropout }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rank: try container.decode(Int.self, forKey: .rank),
            activation: try container.decodeIfPresent(Activation.self, forKey: .activation) ?? .linear,
            dropout: try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0)
    }
}
