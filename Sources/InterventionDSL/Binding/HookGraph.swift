import Graph

/// A checked program bound to one model: what is edited where, in which order, with which parameters.
///
/// ```swift
/// let hookGraph = try program.bound(to: graph)
/// print(hookGraph)
/// let spliced = try hookGraph.splice(into: graph, mode: .train)
/// ```
public struct HookGraph: Sendable {
    /// The program, with every declaration named.
    public let program: Program
    /// The runs: what is read comes before what reads it, but where runs read each other.
    public let runs: [String]
    /// In the order in which they are spliced: that of the runs, in declared order, by layer, head and part. Where runs
    /// read each other, edits of a site come before what reads it in another run.
    public let hooks: [Hook]
    /// Every trained tensor once: those of the interventions in the order of first use, then trained weights of the model.
    public let parameters: [BoundParameter]
    /// What the program's patterns of trainable weights match.
    public let trainable: [BoundWeights]
    /// Every index input of the spliced graph, in the order of first use.
    public let selections: [Selection]
    /// The mask inputs of subspaces that examples choose, in the order of first use.
    public let masks: [SubspaceMask]
    /// What is worth knowing and not wrong, such as two declarations on the same rows.
    public internal(set) var notes: [ProgramProblem]
    /// The runs in which something is collected.
    public let collectingRuns: Set<String>
    /// The constant tensors that the program refers to.
    let tensors: [TensorReference: [Float]]

    /// The tensors in files that are frozen weights of the spliced graph, under their ``TensorReference/weightName``.
    public var frozenTensors: [TensorReference] { hooks.frozenTensors }

    /// The number of trained numbers, tied ones counted once.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.specification.count } }

    /// The parameter that stands for each trained weight of the model.
    var trainedWeights: [String: String] {
        parameters.reduce(into: [:]) { names, parameter in
            if let weight = parameter.weight { names[weight] = parameter.name }
        }
    }
}
