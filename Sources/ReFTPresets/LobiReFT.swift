import Graph
import InterventionDSL

/// Low-rank bias (Wu et al. 2024, arXiv 2404.03592, appendix): one learned vector within a subspace is added.
///
///     h + b Rᵀ
///
/// Rows h are [1, d]; R [d, r] has orthonormal columns, b is [1, r]: rd + r trained numbers.
/// Dropout acts on the edit, not on h, and only in training.
public struct LobiReFT: Intervention {
    public var rank: Int
    /// The probability with which an element of the edit is left out in training.
    public var dropout: Double

    public init(rank: Int, dropout: Double = 0) {
        self.rank = rank
        self.dropout = dropout
    }

    public func parameters(at site: SiteShape) -> ParameterList { [rotation(site, rank), loneBias(rank)] }

    public func problems(at site: SiteShape) -> [String] {
        lowRankProblems(site, rank: rank, dropout: dropout)
    }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let bias = try context.parameter("bias")
        let edit = context.inSubspace(bias).times(try context.parameter("rotation"), transposed: true)
        // Each row drops elements of its own, as if the vector had been repeated first.
        let repeated = dropout > 0 ? edit.broadcast(to: rows.shape) : edit
        return rows + context.dropout(repeated, rate: dropout)
    }

    private enum CodingKeys: String, CodingKey { case rank, dropout }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rank: try container.decode(Int.self, forKey: .rank),
            dropout: try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0)
    }
}
