import Graph
import InterventionDSL

/// Constant low-rank ReFT (Wu et al. 2024, arXiv 2404.03592, appendix): the subspace is set to learned coordinates.
///
///     h + (b − h R) Rᵀ
///
/// Rows h are [1, d]; R [d, r] has orthonormal columns, b is [1, r]: rd + r trained numbers.
public struct ConsReFT: Intervention {
    public var rank: Int

    public init(rank: Int) { self.rank = rank }

    public func parameters(at site: SiteShape) -> ParameterList { [rotation(site, rank), loneBias(rank)] }

    public func problems(at site: SiteShape) -> [String] { lowRankProblems(site, rank: rank) }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let target = try context.parameter("bias")
        return rows + context.inSubspace(target - rows.times(rotation)).times(rotation, transposed: true)
    }
}
