import Graph
import InterventionDSL

/// LoReFT without orthonormality (Wu et al. 2024, arXiv 2404.03592, Table 17).
///
///     h + (act(W₁ h + b) − W₂ h − b₂) W₂
///
/// Rows h are [1, d]; W₁ and W₂ are [r, d], b is [1, r]: 2rd + r trained numbers. `addBias` gives W₂ a bias b₂ [1, r].
/// Dropout acts on the edit, not on h, and only in training.
public struct NoReFT: Intervention {
    public var rank: Int
    public var activation: Activation
    /// The probability with which an element of the edit is left out in training.
    public var dropout: Double
    /// Whether the projection has a bias of its own.
    public var addBias: Bool

    public init(rank: Int, activation: Activation = .linear, dropout: Double = 0, addBias: Bool = false) {
        self.rank = rank
        self.activation = activation
        self.dropout = dropout
        self.addBias = addBias
    }

    public func parameters(at site: SiteShape) -> ParameterList {
        var parameters = linearLayer(site, rank) + [projection(site, rank)]
        if addBias {
            parameters.append(
                ParameterSpecification("projection_bias", 1, rank, initialiser: .linear(inputs: site.width)))
        }
        return parameters
    }

    public func problems(at site: SiteShape) -> [String] {
        lowRankProblems(site, rank: rank, dropout: dropout)
    }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let projection = try context.parameter("projection")
        let target = activation(
            rows.linear(try context.parameter("weight"), bias: try context.parameter("bias")))
        let present = rows.linear(projection, bias: addBias ? try context.parameter("projection_bias") : nil)
        let edit = context.inSubspace(target - present).times(projection)
        return rows + context.dropout(edit, rate: dropout)
    }

    private enum CodingKeys: String, CodingKey { case rank, activation, dropout, addBias }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rank: try container.decode(Int.self, forKey: .rank),
            activation: try container.decodeIfPresent(Activation.self, forKey: .activation) ?? .linear,
            dropout: try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0,
            addBias: try container.decodeIfPresent(Bool.self, forKey: .addBias) ?? false)
    }
}
