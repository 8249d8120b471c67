import Graph
import InterventionDSL

/// Weight-decomposed low-rank adaptation (Liu et al. 2024, arXiv 2402.09353) of a linear layer h = x Wᵀ + b.
///
///     V = W + α / r · B A,   g ⊙ ‖W‖ / ‖V‖ ⊙ (x Vᵀ) + b
///
/// Rows x are [1, n], h [1, d]; the norms are those of the rows of W and V [d, n]. A and B are LoRA's; the magnitude of the
/// paper is g ⊙ ‖W‖ with g [1, d] starting at one: r(n + d) + d trained numbers. V is never formed:
///
///     ‖V‖² = ‖W‖² + 2 α/r · rows(W Aᵀ ⊙ B) + (α/r)² · rows(B (A Aᵀ) ⊙ B)
///
/// The gradient goes through ‖V‖ too, which the paper allows to be held constant.
///
/// ```swift
/// DoRA(rank: 8).on(.queryOutput, layers: .all).at(.all)
/// ```
public struct DoRA: Intervention {
    public var rank: Int
    /// α; nil for the rank, so that the factor is 1.
    public var alpha: Double?
    /// The probability with which an element of x is left out in training, on the low-rank path.
    public var dropout: Double

    public init(rank: Int, alpha: Double? = nil, dropout: Double = 0) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
    }

    public func parameters(at site: SiteShape) -> ParameterList {
        lowRankFactors(site, rank) + [
            ParameterSpecification("magnitude", 1, site.width, initialiser: .constant(1), decays: false)
        ]
    }

    public func problems(at site: SiteShape) -> [String] {
        let problems = adaptationProblems(site, rank, dropout)
        return site.head == nil ? problems : problems + ["a single head has no linear layer of its own"]
    }

    /// The norms belong to the whole layer.
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .none }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let layer = try context.moduleLinear()
        let factor = (alpha ?? Double(rank)) / Double(max(rank, 1))
        let (down, up) = (try context.parameter("down"), try context.parameter("up"))
        // Row norms as rows [1, d], whichever way round the checkpoint stores W.
        let squares = layer.weight.applying(.square)
        let base = layer.isTransposed ? squares.sum(.rows) : squares.sum(.columns).transposed()
        let product =
            layer.isTransposed ? down.times(layer.weight) : down.times(layer.weight, transposed: true)
        let cross = (product * up.transposed()).sum(.rows)
        let own = (up.times(down.times(down, transposed: true)) * up).sum(.columns).transposed()
        let whole = base + cross * (2 * factor) + own * (factor * factor)
        let ratio = (base / whole.applying(.maximum, context.builder.scalar(1e-30))).applying(.squareRoot)
        let change = try lowRankChange(alpha, rank, dropout, &context)
        let linear = layer.bias.map { rows - $0 } ?? rows
        let scaled = (linear + change) * (try context.parameter("magnitude") * ratio)
        return layer.bias.map { scaled + $0 } ?? scaled
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
