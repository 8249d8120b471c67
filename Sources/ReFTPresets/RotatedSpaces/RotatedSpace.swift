import Graph
import InterventionDSL

/// Distributed alignment search (Geiger et al. 2024, arXiv 2303.02536): coordinates in a learned basis are those of the
/// source.
///
///     ((1 − m) ⊙ h R + m ⊙ s R) Rᵀ
///
/// Rows h and s are [1, d]; R [d, d] is orthogonal: d² trained numbers. The mask m is the declaration's subspace, all ones
/// without one: `.subspace(0..<k)` swaps the first k coordinates.
///
/// ```swift
/// Program {
///     Run("source")
///     Run.base { RotatedSpace(from: "source").on(.blockOutput, layer: 5).at(.last).subspace(0..<32) }
/// }
/// ```
public struct RotatedSpace: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference

    /// From a run, at the place and the positions that are edited.
    public init(from run: String) { source = SourceReference(run: run) }

    /// From another place or other positions.
    public init(from source: SourceReference) { self.source = source }

    public var sources: [SourceReference] { [source] }
    public func parameters(at site: SiteShape) -> ParameterList { [basis(site)] }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(site.width) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let mask = context.subspaceMask()
        let source = try context.source().times(rotation)
        return swapped(rows.times(rotation), source, within: mask).times(rotation, transposed: true)
    }
}

/// Distributed alignment search in a subspace: what h has in the columns of R becomes what s has there.
///
///     h + ((s R − h R) ⊙ m) Rᵀ
///
/// Rows h and s are [1, d]; R [d, r] has orthonormal columns: rd trained numbers. The mask m is the declaration's subspace,
/// which selects columns of R.
///
/// ```swift
/// LowRankRotatedSpace(rank: 4, from: "source").on(.blockOutput, layer: 5).at(.last)
/// ```
public struct LowRankRotatedSpace: Intervention {
    public var rank: Int
    /// Where the rows s come from.
    public var source: SourceReference

    /// From a run, at the place and the positions that are edited.
    public init(rank: Int, from run: String) { self.init(rank: rank, from: SourceReference(run: run)) }

    /// From another place or other positions.
    public init(rank: Int, from source: SourceReference) {
        self.rank = rank
        self.source = source
    }

    public var sources: [SourceReference] { [source] }
    public var keepsRowsEqualToSource: Bool { true }
    public func parameters(at site: SiteShape) -> ParameterList { [rotation(site, rank)] }
    public func problems(at site: SiteShape) -> [String] { lowRankProblems(site, rank: rank) }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let difference = try context.source().times(rotation) - rows.times(rotation)
        return rows + context.inSubspace(difference).times(rotation, transposed: true)
    }
}
