import Graph
import InterventionDSL

extension InterventionRegistry {
    /// The types of this module: the ReFT family, rotated spaces, autoencoders, and low-rank adaptation.
    public static let reft = InterventionRegistry([
        Autoencoder.self, BottleneckAdapter.self, BoundlessRotatedSpace.self, ConsReFT.self, DiReFT.self, DoRA.self,
        JumpReLUAutoencoder.self, LobiReFT.self, LoRA.self, LoReFT.self, LowRankRotatedSpace.self, NodiReFT.self,
        NoReFT.self, PCARotatedSpace.self, RotatedSpace.self, SigmoidMask.self, SigmoidMaskRotatedSpace.self,
    ])
}

/// The ReFT types by name, for programs that are described by settings rather than written.
///
/// ```swift
/// let program = ReFTFamily.loreft.program(rank: 4, layers: [15], positions: .last)
/// ```
public enum ReFTFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case loreft, noreft, consreft, lobireft, direft, nodireft

    /// The intervention of this type. ConsReFT takes no activation and no dropout, LobiReFT no activation.
    public func intervention(
        rank: Int, activation: Activation = .linear, dropout: Double = 0
    ) -> any Intervention {
        switch self {
        case .loreft: LoReFT(rank: rank, activation: activation, dropout: dropout)
        case .noreft: NoReFT(rank: rank, activation: activation, dropout: dropout)
        case .consreft: ConsReFT(rank: rank)
        case .lobireft: LobiReFT(rank: rank, dropout: dropout)
        case .direft: DiReFT(rank: rank, activation: activation, dropout: dropout)
        case .nodireft: NodiReFT(rank: rank, activation: activation, dropout: dropout)
        }
    }

    /// A program of one declaration on the block outputs of some layers.
    ///
    /// - Parameter tied: Whether a union of positions, such as prefix and suffix, shares one set of parameters.
    public func program(
        rank: Int, layers: Layers = .all, positions: Positions, tied: Bool = false, activation: Activation = .linear,
        dropout: Double = 0, component: Component = .blockOutput
    ) -> Program {
        Program(declarations: [
            Declaration(
                intervention(rank: rank, activation: activation, dropout: dropout),
                on: .layers(component, layers, heads: nil), at: positions, ties: tied ? [.positions] : [])
        ])
    }
}

extension Program {
    /// LoReFT on block outputs.
    ///
    /// ```swift
    /// Program.loreft(rank: 4, layers: .all, positions: .first(7) + .last(7), tied: true)
    /// ```
    public static func loreft(
        rank: Int, layers: Layers = .all, positions: Positions, tied: Bool = false, dropout: Double = 0
    ) -> Program {
        ReFTFamily.loreft.program(rank: rank, layers: layers, positions: positions, tied: tied, dropout: dropout)
    }
}
