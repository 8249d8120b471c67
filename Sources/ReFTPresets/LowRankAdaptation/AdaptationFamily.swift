import Graph
import InterventionDSL

/// The types that ReFT is compared with, by name, for programs that are described by settings rather than written.
///
/// ```swift
/// let program = AdaptationFamily.lora.program(rank: 8)
/// ```
public enum AdaptationFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case lora, dora, bottleneck

    /// The intervention of this type. The bottleneck takes no α.
    public func intervention(rank: Int, alpha: Double? = nil, dropout: Double = 0) -> any Intervention {
        switch self {
        case .lora: LoRA(rank: rank, alpha: alpha, dropout: dropout)
        case .dora: DoRA(rank: rank, alpha: alpha, dropout: dropout)
        case .bottleneck: BottleneckAdapter(rank: rank, dropout: dropout)
        }
    }

    /// Where the papers put it: queries and values for LoRA and DoRA, the outputs of attention and MLP for the bottleneck.
    public var components: [Component] {
        switch self {
        case .lora, .dora: [.queryOutput, .valueOutput]
        case .bottleneck: [.attentionOutput, .mlpOutput]
        }
    }

    /// A program of one declaration for each component, named after it.
    public func program(
        rank: Int, layers: Layers = .all, positions: Positions = .all, tied: Bool = false,
        components: [Component]? = nil, alpha: Double? = nil, dropout: Double = 0
    ) -> Program {
        Program(
            declarations: (components ?? self.components).map { component in
                Declaration(
                    intervention(rank: rank, alpha: alpha, dropout: dropout),
                    on: .layers(component, layers, heads: nil), at: positions, name: "\(rawValue)-\(component)",
                    ties: tied ? [.positions] : [])
            })
    }
}
