import Graph
import InterventionDSL

/// Low-rank linear subspace ReFT (Wu et al. 2024, arXiv 2404.03592, equation 2).
///
///     h + (act(W h + b) − h R) Rᵀ
///
/// Rows h are [1, d]; R [d, r] has orthonormal columns, W is [r, d], b is [1, r]: 2rd + r trained numbers.
/// `activation` is the identity in the paper. Dropout acts on the edit, not on h, and only in training.
///
/// ```swift
/// LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last)
/// ```
public struct LoReFT: Intervention {
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
        [rotation(site, rank)] + linearLayer(site, rank)
    }

    public func problems(at site: SiteShape) -> [String] {
        lowRankProblems(site, rank: rank, dropout: dropout)
    }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let target = activation(
            rows.linear(try context.parameter("weight"), bias: try context.parameter("bias")))
        let edit = context.inSubspace(target - rows.times(rotation)).times(rotation, transposed: true)
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
