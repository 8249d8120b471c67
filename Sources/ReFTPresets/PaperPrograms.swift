import InterventionDSL

/// The programs of the ReFT paper (Wu et al. 2024, arXiv 2404.03592, appendix): which rank, layers and positions.
/// Learning rates, epochs and batches belong to training.
///
/// ```swift
/// let program = Program.paper(.commonsense)
/// ```
public enum PaperTask: Hashable, Sendable {
    /// LoReFT on LLaMA: rank 8, f7+l7 tied, all layers.
    case commonsense
    /// The same program as commonsense.
    case arithmetic
    /// LoReFT: rank 4, f5+l5 untied, layers 3, 9, 18 and 24.
    case instruction
    /// The paper's DiReFT (our ``NodiReFT``) in its tuning run: rank 4, f7+l7 untied, all layers, dropout 0.05.
    case direftTuning
    /// LoReFT on RoBERTa-base: rank 1, all layers, a prefix.
    case glue(GLUETask)
    /// ConsReFT of rank 1 at the last prompt token of one layer.
    case memorisation(layer: Int)
}

/// The tasks of GLUE (Wang et al. 2018).
public enum GLUETask: String, Hashable, Sendable, Codable, CaseIterable {
    case mnli, sst2, mrpc, cola, qnli, qqp, rte, stsb

    /// How many prefix positions the paper edits with RoBERTa-base.
    var prefix: Int {
        switch self {
        case .mnli: 1
        case .qnli, .qqp: 11
        case .sst2, .mrpc, .cola, .rte, .stsb: 3
        }
    }

    /// The dropout of the edit with RoBERTa-base.
    var dropout: Double {
        switch self {
        case .sst2: 0.10
        case .cola: 0.20
        case .mnli, .mrpc, .qnli, .qqp, .rte, .stsb: 0.05
        }
    }
}

extension Program {
    /// The program of the paper for a task.
    public static func paper(_ task: PaperTask) -> Program {
        let ends = Positions.first(7) + .last(7)
        switch task {
        case .commonsense, .arithmetic:
            return .loreft(rank: 8, positions: ends, tied: true)
        case .instruction:
            return .loreft(rank: 4, layers: [3, 9, 18, 24], positions: .first(5) + .last(5))
        case .direftTuning:
            return ReFTFamily.nodireft.program(rank: 4, positions: ends, dropout: 0.05)
        case .glue(let task):
            return .loreft(rank: 1, positions: .first(task.prefix), dropout: task.dropout)
        case .memorisation(let layer):
            return ReFTFamily.consreft.program(rank: 1, layers: [layer], positions: .last)
        }
    }
}
