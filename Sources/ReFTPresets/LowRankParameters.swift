import Graph
import InterventionDSL

// The parameters that the ReFT types share; d is the width of the site, r the rank.

/// R [d, r] with orthonormal columns.
func rotation(_ site: SiteShape, _ rank: Int) -> ParameterSpecification {
    ParameterSpecification("rotation", site.width, rank, initialiser: .orthonormal, constraint: .orthonormalColumns)
}

/// W [r, d] and b [1, r] of a linear layer from d to r.
func linearLayer(_ site: SiteShape, _ rank: Int) -> [ParameterSpecification] {
    [
        ParameterSpecification("weight", rank, site.width, initialiser: .linear(inputs: site.width)),
        ParameterSpecification("bias", 1, rank, initialiser: .linear(inputs: site.width)),
    ]
}

/// b [1, r] that stands alone, uniform in [0, 1) at first.
func loneBias(_ rank: Int) -> ParameterSpecification {
    ParameterSpecification("bias", 1, rank, initialiser: .uniform(0, 1))
}

/// W₂ [r, d] without constraint.
func projection(_ site: SiteShape, _ rank: Int) -> ParameterSpecification {
    ParameterSpecification("projection", rank, site.width, initialiser: .linear(inputs: site.width))
}

/// What is wrong with a rank and a dropout rate at a site.
func lowRankProblems(_ site: SiteShape, rank: Int, dropout: Double = 0) -> [String] {
    var problems: [String] = []
    if rank < 1 { problems.append("rank \(rank) is given; a rank is at least 1") }
    if rank > site.width {
        problems.append("rank \(rank) is larger than the width \(site.width); allowed: 1 to \(site.width)")
    }
    if !(0..<1).contains(dropout) {
        problems.append("dropout \(dropout) is given; allowed: 0 up to but not including 1")
    }
    return problems
}
