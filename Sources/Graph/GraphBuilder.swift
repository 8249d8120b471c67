/// Builds a graph node by node.
///
/// Mistakes do not stop it: each is recorded with its provenance in ``problems`` and stands in as a value of the
/// likeliest shape, so that one pass over a program finds them all. ``finish()`` throws them.
///
/// ```swift
/// let builder = GraphBuilder()
/// let x = builder.input("x", .real(.named("rows"), 8))
/// let w = builder.parameter("w", rows: 4, columns: 8)
/// let y = x.times(w, transposed: true).relu()
/// ```
public final class GraphBuilder {
    /// The graph so far.
    public internal(set) var graph: ComputationGraph
    /// What went wrong so far.
    public private(set) var problems: [GraphProblem] = []
    /// What nodes made from now on come from.
    public var provenance: Provenance
    var leafNodes: [Operation: ValueID] = [:]
    private var knownModuleSites: Set<SiteID>

    /// Goes on from a graph, or starts an empty one.
    public init(_ graph: ComputationGraph = ComputationGraph(), provenance: Provenance = .user("graph")) {
        self.graph = graph
        self.provenance = provenance
        knownModuleSites = Set(graph.moduleSites.map(\.id))
        for (id, node) in graph.nodes.enumerated() where node.inputs.isEmpty { leafNodes[node.operation] = ValueID(id) }
    }

    /// Makes nodes within `body` come from `provenance`.
    public func from<Result, Failure: Error>(
        _ provenance: Provenance, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outer = self.provenance
        self.provenance = provenance
        defer { self.provenance = outer }
        return try body()
    }

    /// The graph, or every problem met while it was built.
    public func finish() throws(GraphProblems) -> ComputationGraph {
        guard problems.isEmpty else { throw GraphProblems(problems) }
        return graph
    }

    /// Records a problem.
    public func report(_ message: String) { problems.append(GraphProblem(message, at: provenance)) }

    /// The handle of an existing value.
    public func value(_ id: ValueID) -> Value { Value(builder: self, id: id, type: graph.type(of: id)) }

    /// Appends a node and gives its results.
    public func results(_ operation: Operation, _ inputs: [Value]) -> [Value] {
        let types: [ValueType]
        switch operation.resultTypes(for: inputs.map(\.type)) {
        case .success(let inferred):
            types = inferred
        case .failure(let mismatch):
            report(mismatch.description)
            types = operation.likelyResults(inputs.map(\.type))
        }
        graph.nodes.append(Node(operation, inputs.map(\.id), types, provenance))
        let id = graph.nodes.count - 1
        return types.indices.map { Value(builder: self, id: ValueID(id, $0), type: types[$0]) }
    }

    /// Appends a node with one result, or with several of which the first is wanted.
    public func node(_ operation: Operation, _ inputs: Value...) -> Value { results(operation, inputs)[0] }

    func leaf(_ operation: Operation, _ type: ValueType) -> Value {
        if let known = leafNodes[operation] {
            if graph.type(of: known) != type {
                report("\(operation.name) is used as \(type) here and as \(graph.type(of: known)) elsewhere")
            }
            return value(known)
        }
        graph.nodes.append(Node(operation, [], [type], provenance))
        let id = ValueID(graph.nodes.count - 1)
        leafNodes[operation] = id
        return value(id)
    }
}

// MARK: - Leaves

extension GraphBuilder {
    /// A value that each batch binds under this name.
    public func input(_ name: String, _ type: ValueType) -> Value { leaf(.input(name), type) }

    /// A frozen tensor of the checkpoint; a vector of n is `rows: 1, columns: n`.
    public func weight(_ name: String, rows: Int, columns: Int) -> Value {
        leaf(.weight(name), .real(.fixed(rows), .fixed(columns)))
    }

    /// A trained tensor by its name in the parameter store.
    public func parameter(_ name: String, rows: Int, columns: Int) -> Value {
        leaf(.parameter(name), .real(.fixed(rows), .fixed(columns)))
    }

    /// A number as `[1, 1]`.
    public func scalar(_ number: Double) -> Value { leaf(.scalar(number), .real(1, 1)) }

    /// A constant tensor; equal ones are stored once.
    public func constant(_ tensor: ConstantTensor) -> Value {
        if tensor.values.count != tensor.rows * tensor.columns {
            report("constant \(tensor.name) has \(tensor.values.count) numbers, not \(tensor.rows) × \(tensor.columns)")
        }
        let index: Int
        if let known = graph.constants.firstIndex(of: tensor) {
            index = known
        } else {
            graph.constants.append(tensor)
            index = graph.constants.count - 1
        }
        return leaf(.constant(index), .real(.fixed(tensor.rows), .fixed(tensor.columns)))
    }

    /// Names a value as a site.
    public func declareSite(
        _ id: SiteID, _ value: Value, moduleInput: Value? = nil, heads: Int? = nil, rowSpace: RowSpace = .tokens,
        modulePath: String
    ) {
        graph.sites.append(
            Site(
                id: id, value: value.id, moduleInput: moduleInput?.id, width: value.width, heads: heads,
                rowSpace: rowSpace, modulePath: modulePath))
    }
}

extension GraphBuilder {
    /// Names the input or output of a module by its path; the first of two with the same path stays.
    ///
    /// It costs nothing unless somebody reads or edits it. Its component is the path from the layer on,
    /// `mlp.gate_proj.output`, so that it can be meant in several layers at once.
    public func declareModuleSite(
        _ path: String, _ value: Value, moduleInput: Value? = nil, run: String, rowSpace: RowSpace
    ) {
        var id = SiteID(modulePath: path, run: run)
        // Two stacks of layers in one model have modules of the same name: these keep their whole path.
        if knownModuleSites.contains(id) { id = SiteID(Component(rawValue: path), run: run) }
        guard knownModuleSites.insert(id).inserted else { return }
        graph.moduleSites.append(
            Site(
                id: id, value: value.id, moduleInput: moduleInput?.id, width: value.width, rowSpace: rowSpace,
                modulePath: path))
    }
}

extension Operation {
    /// A stand-in for the results after a type error, so that building goes on to find the next one.
    func likelyResults(_ inputs: [ValueType]) -> [ValueType] {
        let likely = inputs.first { $0.element == .real } ?? .real(1, 1)
        switch self {
        case .attention, .gatedGradient, .topK, .attentionScoresGradient, .attentionMixGradient:
            return [likely, likely]
        case .attentionGradient: return [likely, likely, likely, likely, likely]
        default: return [likely]
        }
    }
}
