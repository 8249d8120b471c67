import Graph

/// The schedule of a graph: which kernel calls, in which order, in which memory, for the outputs that were asked for.
///
/// Row counts stay symbols: a plan is made once for a variant of a graph and runs batches of any size. Immutable, and
/// shared by any number of executors.
///
/// ```swift
/// let plan = try Plan(graph, outputs: [loss.id] + gradients)
/// print(plan)
/// let executor = try Executor(plan, weights: model.weights)
/// ```
public struct Plan: Sendable {
    /// The graph that is scheduled.
    public let graph: ComputationGraph
    /// The values that a run leaves readable, in the order in which they were asked for.
    public let outputs: [ValueID]
    /// The symbols that a run has to know.
    public let symbols: [Symbol]
    /// The names of the inputs that a run has to be given.
    public let inputNames: [String]
    /// The names of the frozen weights.
    public let weightNames: [String]
    /// The names of the parameters.
    public let parameterNames: [String]
    /// The slots of the key/value store that attention reads and appends to, ascending.
    public let keyValueSlots: [KeyValueSlot]

    let steps: [PlannedStep]
    let slots: [BufferSlot]
    /// Where each storage lies in the slots.
    let places: [BufferPlace]
    /// The leaves that steps or outputs read.
    let leaves: [NodeID]
    let outputOperands: [PlannedOperand]
    let indexRules: [IndexRule]
    let pairCounts: [PairCount]

    /// Schedules what the outputs depend on.
    /// - Parameter reusesBuffers: false gives each value memory of its own, to find out whether reuse is at fault.
    /// - Throws: ``RuntimeError/noValue(value:nodeCount:)`` for an output that the graph does not have.
    public init(
        _ graph: ComputationGraph, outputs: [ValueID], reusesBuffers: Bool = true
    ) throws(RuntimeError) {
        for output in outputs {
            guard graph.nodes.indices.contains(output.node),
                graph.nodes[output.node].results.indices.contains(output.result)
            else { throw .noValue(value: output.description, nodeCount: graph.nodes.count) }
        }
        var scheduler = Scheduler(graph, outputs: outputs, reusesBuffers: reusesBuffers)
        try scheduler.schedule()
        self.graph = graph
        self.outputs = outputs
        symbols = scheduler.symbols.names
        steps = scheduler.steps
        slots = scheduler.buffers.slots
        places = scheduler.buffers.places
        leaves = scheduler.leaves
        outputOperands = outputs.map { scheduler.operand($0) }
        indexRules = scheduler.indexRules
        pairCounts = scheduler.pairCounts
        keyValueSlots = scheduler.keyValueSlots.values.sorted { $0.slot < $1.slot }
        (inputNames, weightNames, parameterNames) = Self.leafNames(graph, leaves)
    }

    private static func leafNames(
        _ graph: ComputationGraph, _ leaves: [NodeID]
    ) -> (inputs: [String], weights: [String], parameters: [String]) {
        var names: (inputs: [String], weights: [String], parameters: [String]) = ([], [], [])
        for leaf in leaves {
            switch graph.nodes[leaf].operation {
            case .input(let name): names.inputs.append(name)
            case .weight(let name): names.weights.append(name)
            case .parameter(let name): names.parameters.append(name)
            default: break
            }
        }
        return names
    }
}

/// One slot of a key/value store: the widths of the rows that an attention appends to it.
public struct KeyValueSlot: Hashable, Sendable {
    /// Its number, which attention operations name.
    public var slot: Int
    /// Columns of the keys, all heads side by side.
    public var keyWidth: Int
    /// Columns of the values, all heads side by side.
    public var valueWidth: Int

    public init(slot: Int, keyWidth: Int, valueWidth: Int) {
        self.slot = slot
        self.keyWidth = keyWidth
        self.valueWidth = valueWidth
    }
}

/// Symbols and their numbers.
struct SymbolTable {
    private(set) var names: [Symbol] = []
    private var numbers: [Symbol: Int] = [:]

    mutating func planned(_ dimension: Dimension) -> PlannedDimension {
        switch dimension {
        case .fixed(let extent):
            return .fixed(extent)
        case .symbol(let symbol):
            if let number = numbers[symbol] { return PlannedDimension(symbol: number, fixed: 0) }
            numbers[symbol] = names.count
            names.append(symbol)
            return PlannedDimension(symbol: names.count - 1, fixed: 0)
        }
    }
}
