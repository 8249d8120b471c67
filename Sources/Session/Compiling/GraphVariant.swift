import Graph
import InterventionDSL

/// Which of a session's graphs is meant. Each has its own plan, which batches of any size share.
struct GraphVariant: Hashable {
    /// What the graph is for.
    enum Purpose: Hashable {
        /// Logits, the loss if there are labels, and named sites.
        case inspect(collecting: [SiteID])
        /// The loss and the gradients of all parameters, with dropout.
        case train
        /// The logits of the last rows; earlier rows lie in the key/value store.
        case generate(Phase)

        /// The runs whose sites are asked for.
        var runs: Set<String> {
            if case .inspect(let sites) = self { Set(sites.map(\.run)) } else { [] }
        }
    }

    enum Phase: Hashable {
        /// Rows of the prompt are among the live ones.
        case prompt
        /// All live rows come after the prompt: what acts on the prompt alone is left out.
        case decode
    }

    var purpose: Purpose
    var demand: Demand
    var hasLoss = false
    var hasGradients = false
    /// Whether the results of the model without the program are computed beside the edited ones.
    var hasUnedited = false
    /// Whether it holds the norms that a receipt is made of.
    var measures = false
    /// Whether what no edit reaches is read from the activation store.
    var reuses = false
    /// What is computed again for the gradients.
    var recomputed = RecomputedParts.none

    static let training = training(measures: false)

    static func training(measures: Bool, reuses: Bool = false, recomputed: RecomputedParts = .none) -> GraphVariant {
        GraphVariant(
            purpose: .train, demand: .labelledRows, hasLoss: true, hasGradients: true, measures: measures,
            reuses: reuses, recomputed: recomputed)
    }

    static func generation(_ phase: Phase, measures: Bool = false) -> GraphVariant {
        GraphVariant(purpose: .generate(phase), demand: .lastRows, measures: measures)
    }

    /// The inputs that list rows, of all rows of the base run, that are read at its end.
    func readRows(_ inputs: RunInputs) -> [String] {
        // In decode steps each sequence has one row, which is read.
        if purpose == .generate(.decode) { return [] }
        return [inputs.lastRows, inputs.firstRows] + (demand == .everyRow ? [] : [inputs.demanded])
    }

    /// The inputs that list edited rows, of all rows of the base run, of which a batch says which are read.
    func editedRows(_ selections: [Selection]) -> Set<String> {
        if case .generate = purpose { return [] }
        return Set(
            selections.filter { $0.run == RunInputs().run && $0.rowSpace == .tokens && !$0.isPaired }.map(\.name))
    }

    var usesKeyValueStore: Bool {
        if case .generate = purpose { true } else { reuses }
    }
}
