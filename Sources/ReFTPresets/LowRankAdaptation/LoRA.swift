import Graph
import InterventionDSL

/// Low-rank adaptation of a module (Hu et al. 2022, arXiv 2106.09685), from the module's input x and its output h.
///
///     h + α / r · (dropout(x) Aᵀ) Bᵀ
///
/// Rows x are [1, n], h [1, d]; A [r, n] starts as a default linear layer, B [d, r] at zero: r(n + d) trained numbers.
/// α is r unless given. A subspace of the declaration selects rows of A.
///
/// ```swift
/// LoRA(rank: 8, alpha: 16).on(.queryOutput, layers: .all).at(.all)
/// ```
public struct LoRA: Intervention {
    public var rank: Int
    /// α; nil for the rank, so that the factor is 1.
    public var alpha: Double?
    /// The probability with which an element of x is left out in training.
    public var dropout: Double

    public init(rank: Int, alpha: Double? = nil, dropout: Double = 0) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
    }

    public func parameters(at site: SiteShape) -> ParameterList { lowRankFactors(site, rank) }
    public func problems(at site: SiteShape) -> [String] { adaptationProblems(site, rank, dropout) }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        rows + (try lowRankChange(alpha, rank, dropout, &context))
    }

    private enum CodingKeys: String, CodingKey { case rank, alpha, dropout }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rank: try container.decode(Int.self, forKey: .rank),
            alpha: try container.decodeIfPresent(Double.self, forKey: .alpha),
            dropout: try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0)
    }
}

/// A [r, n] and B [d, r].
func lowRankFactors(_ site: SiteShape, _ rank: Int) -> ParameterList {
    let inputs = site.moduleInputWidth ?? site.width
    return [
        ParameterSpecification("down", rank, inputs, initialiser: .linear(inputs: inputs)),
        ParameterSpecification("up", site.width, rank, initialiser: .zeros),
    ]
}

/// α / r · (dropout(x) Aᵀ) Bᵀ.
func lowRankChange(_ alpha: Double?, _ rank: Int, _ dropout: Double, _ context: inout EditContext) throws -> Value {
    let input = context.dropout(try context.moduleInput(), rate: dropout)
    let coordinates = context.inSubspace(input.linear(try context.parameter("down")))
    let change = coordinates.linear(try context.parameter("up"))
    let factor = (alpha ?? Double(rank)) / Double(max(rank, 1))
    return factor == 1 ? change : change * factor
}

/// What makes the low-rank adaptation of a module impossible at a site.
func adaptationProblems(_ site: SiteShape, _ rank: Int, _ dropout: Double) -> [String] {
    guard let inputs = site.moduleInputWidth else { return ["it has no module whose input could be read"] }
    var problems: [String] = []
    if rank < 1 { problems.append("rank \(rank) is given; a rank is at least 1") }
    if rank > min(inputs, site.width) {
        problems.append(
            "rank \(rank) is larger than the module's smaller side; allowed: 1 to \(min(inputs, site.width))")
    }
    if !(0..<1).contains(dropout) {
        problems.append("dropout \(dropout) is given; allowed: 0 up to but not including 1")
    }
    return problems
}
