import Graph
import InterventionDSL

/// A bottleneck adapter (Houlsby et al. 2019, arXiv 1902.00751): a small network added to a module's output h.
///
///     h + act(x D + a) U + b
///
/// x is h, or the module's input where `readsInput` (a parallel adapter; He et al. 2022, arXiv 2110.04366). Rows x are
/// [1, n], h [1, d]; D [n, r] and a start as a default linear layer, U [r, d] and b at zero: r(n + d) + r + d trained
/// numbers. A subspace of the declaration selects units of the bottleneck.
///
/// ```swift
/// BottleneckAdapter(rank: 16, activation: .relu).on(.mlpOutput, layers: .all).at(.all)
/// ```
public struct BottleneckAdapter: Intervention {
    public var rank: Int
    public var activation: Activation
    /// Whether x is the module's input rather than its output.
    public var readsInput: Bool
    /// The probability with which an element of the change is left out in training.
    public var dropout: Double

    public init(rank: Int, activation: Activation = .relu, readsInput: Bool = false, dropout: Double = 0) {
        self.rank = rank
        self.activation = activation
        self.readsInput = readsInput
        self.dropout = dropout
    }

    public func parameters(at site: SiteShape) -> ParameterList {
        let inputs = readsInput ? site.moduleInputWidth ?? site.width : site.width
        return [
            ParameterSpecification("down", inputs, rank, initialiser: .linear(inputs: inputs)),
            ParameterSpecification("down_bias", 1, rank, initialiser: .linear(inputs: inputs)),
            ParameterSpecification("up", rank, site.width, initialiser: .zeros),
            ParameterSpecification("up_bias", 1, site.width, initialiser: .zeros),
        ]
    }

    public func problems(at site: SiteShape) -> [String] {
        guard readsInput else { return lowRankProblems(site, rank: rank, dropout: dropout) }
        return adaptationProblems(site, rank, dropout)
    }

    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .own(rank) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let input = readsInput ? try context.moduleInput() : rows
        let hidden = activation(input.times(try context.parameter("down")) + (try context.parameter("down_bias")))
        let change = context.inSubspace(hidden).times(try context.parameter("up")) + (try context.parameter("up_bias"))
        return rows + context.dropout(change, rate: dropout)
    }

    private enum CodingKeys: String, CodingKey { case rank, activation, readsInput, dropout }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rank: try container.decode(Int.self, forKey: .rank),
            activation: try container.decodeIfPresent(Activation.self, forKey: .activation) ?? .relu,
            readsInput: try container.decodeIfPresent(Bool.self, forKey: .readsInput) ?? false,
            dropout: try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0)
    }
}
