import Graph
import InterventionDSL
import Models
import Runtime

/// A frozen model with a program bound to it and the program's parameters: ready to run, to train, to generate.
///
/// Graphs are compiled at first use and kept. A session is used by one thread at a time; sessions of one model share
/// its weights.
///
/// ```swift
/// let session = try Session(model, program: program)
/// let result = try session.run([Example(tokens: tokens)], collecting: [SiteID(.blockOutput, layer: 3)])
/// ```
public final class Session {
    public let model: Model
    /// The program, every declaration named.
    public var program: Program { hookGraph.program }
    /// The checked program: what is edited where, with which parameters.
    public let hookGraph: HookGraph
    /// The trained tensors of the program.
    public let parameters: ParameterStore
    let readTensor: TensorReader
    let programWeights = WeightCache()
    /// The adapters of which each example names one.
    let bank: AdapterBank?
    /// Where values that no edit reaches are kept from batch to batch; nil computes everything each time.
    ///
    /// Training and runs use it, not generation, banks and encoder-decoder models.
    public var activations: ActivationStore?
    /// Which values training computes again in the backward pass instead of keeping them. A trainer sets it by its
    /// settings' ``Recomputation``.
    public var recomputed = RecomputedParts.none
    private var compiled: [GraphVariant: CompiledGraph] = [:]
    /// How products with frozen weights are computed. Setting another one makes the graphs anew at their next use.
    public var precision = ProductPrecision.f32 {
        didSet { if precision != oldValue { compiled = [:] } }
    }
    /// Whether kernels are timed; see ``profile()``.
    public var isProfiling = false {
        didSet { for graph in compiled.values { graph.executor.isProfiling = isProfiling } }
    }

    /// Binds a program to a model.
    /// - Parameters:
    ///   - parameters: The program's trained tensors; nil starts them anew.
    ///   - seed: Keyed with the first values of new parameters.
    ///   - readTensor: Reads the files of constant tensors that the program names.
    /// - Throws: `ProgramErrors` with every problem of the program, or `RuntimeError` for parameters that do not fit it.
    public convenience init(
        _ model: Model, program: Program = Program(), parameters: ParameterStore? = nil, seed: UInt64 = 42,
        constantsIn readTensor: TensorReader = TensorReader()
    ) throws {
        try self.init(
            model, program: program, bank: nil, parameters: parameters, seed: seed, constantsIn: readTensor)
    }

    init(
        _ model: Model, program: Program, bank: AdapterBank?, parameters: ParameterStore? = nil, seed: UInt64 = 42,
        constantsIn readTensor: TensorReader
    ) throws {
        self.model = model
        self.readTensor = readTensor
        self.bank = bank
        hookGraph = try model.bind(program, shelves: bank?.declarations ?? [:], constantsIn: readTensor)
        self.parameters =
            try parameters
            ?? ParameterStore(hookGraph.parameterSpecifications, seed: seed, weights: model.weights)
    }

    /// The number of trained numbers, and their share of the model's.
    public var trainedParameterCount: Int { hookGraph.parameterCount }

    func compiledGraph(_ variant: GraphVariant) throws -> CompiledGraph {
        if let known = compiled[variant] { return known }
        let new = try CompiledGraph(variant, of: self)
        new.executor.isProfiling = isProfiling
        compiled[variant] = new
        return new
    }

    /// A graph that may be run later or not at all: it is not kept unless it was.
    func compiledForLooking(_ variant: GraphVariant) throws -> CompiledGraph {
        try compiled[variant] ?? CompiledGraph(variant, of: self)
    }

    /// The time that kernels took while ``isProfiling`` was set, by operation, products by shape, the largest first.
    public func profile() -> [ProfileEntry] {
        ProfileEntry.joined(compiled.values.flatMap { $0.executor.profileByShape() })
    }
}

// MARK: - Graphs

extension Session {
    /// The model's graph with one run for each run of the program.
    func modelGraph(usesKeyValueStore: Bool) throws -> (graph: ComputationGraph, outputs: ModelOutputs) {
        try Self.modelGraph(model, runs: program.runs.map(\.name), usesKeyValueStore: usesKeyValueStore)
    }

    fileprivate static func modelGraph(
        _ model: Model, runs: [String], usesKeyValueStore: Bool
    ) throws -> (graph: ComputationGraph, outputs: ModelOutputs) {
        let builder = GraphBuilder()
        var base: ModelOutputs?
        for run in model.architecture.decoderRuns(among: runs) {
            // Source runs are computed whole, with the prompts.
            let options = BuildOptions(usesKeyValueStore: usesKeyValueStore && run == Program.baseName)
            let outputs = model.architecture.build(builder, inputs: RunInputs(run: run), options: options)
            if run == Program.baseName { base = outputs }
        }
        let graph = try builder.finish()
        guard let base else { throw SessionError.impossible(what: "program", reason: "it has no base run") }
        return (graph, base)
    }

    /// The model's graph with one run for each run of the program, before anything is spliced in.
    public func unsplicedGraph() throws -> ComputationGraph { try modelGraph(usesKeyValueStore: false).graph }

    /// The session's graph with the program spliced in, for printing and drawing.
    /// - Throws: `ProgramErrors`.
    public func splicedGraph(mode: EditMode = .evaluate) throws -> SplicedGraph {
        try hookGraph.splice(into: try modelGraph(usesKeyValueStore: false).graph, mode: mode)
    }
}

extension Model {
    /// Checks a program against the model without reading weights, but for constant tensors that the program names.
    /// - Throws: `ProgramErrors` with every problem of the program.
    public func bind(_ program: Program, constantsIn readTensor: TensorReader = TensorReader()) throws -> HookGraph {
        try bind(program, shelves: [:], constantsIn: readTensor)
    }

    /// Checks a program of which some declarations are those of a bank of adapters.
    func bind(
        _ program: Program, shelves: [String: BankShelf], constantsIn readTensor: TensorReader
    ) throws -> HookGraph {
        let graph = try Session.modelGraph(self, runs: program.runs.map(\.name), usesKeyValueStore: false).graph
        return try program.bound(
            to: graph, shelves: shelves, tensors: readTensor.read, frozen: { _ = try readTensor.weight($0) })
    }
}

extension HookGraph {
    /// The trained tensors under their names in the store.
    var parameterSpecifications: [ParameterSpecification] { parameters.map(\.stored) }
}
