import Graph

/// Weights of the model that a program trains beside its interventions, by a pattern over checkpoint tensor names.
///
/// `model.layers[*].mlp.down_proj.weight`, `layers[4-8].*.weight`, `lm_head.weight`. Where they were declared does not
/// count for equality.
public struct TrainableWeights: Hashable, Sendable {
    public var pattern: String
    public var location: SourceLocation

    public init(_ pattern: String, location: SourceLocation = .unknown) {
        self.pattern = pattern
        self.location = location
    }

    public static func == (left: TrainableWeights, right: TrainableWeights) -> Bool { left.pattern == right.pattern }
    public func hash(into hasher: inout Hasher) { hasher.combine(pattern) }

    /// How a weight's trained value is called in the parameter store: `weight:` and the tensor's name.
    public static func parameterName(of weight: String) -> String { prefix + weight }

    /// Whether a parameter stands for a trained weight.
    public static func isParameter(_ name: String) -> Bool { name.hasPrefix(prefix) }

    private static let prefix = "weight:"
}

/// What a pattern of trainable weights matches in one model.
public struct BoundWeights: Hashable, Sendable {
    public var pattern: String
    public var location: SourceLocation
    /// The tensors' names in the graph, in the order in which the model uses them.
    public var weights: [String]
    /// How many numbers they have together.
    public var count: Int

    public static func == (left: BoundWeights, right: BoundWeights) -> Bool {
        left.pattern == right.pattern && left.weights == right.weights
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(pattern)
        hasher.combine(weights)
    }
}

/// A frozen tensor that a graph reads.
public struct WeightLeaf: Hashable, Sendable {
    /// The checkpoint's name, with `[n:]` where the rows from n on are read.
    public var name: String
    public var rows: Int
    public var columns: Int

    public init(name: String, rows: Int, columns: Int) {
        self.name = name
        self.rows = rows
        self.columns = columns
    }

    /// The number of its elements.
    public var count: Int { rows * columns }

    /// The checkpoint's name: `position_embeddings.weight` of `position_embeddings.weight[2:]`.
    public var checkpointName: String { name.hasSuffix(":]") ? String(name[..<(bracket ?? name.endIndex)]) : name }

    /// The first row of the checkpoint's tensor that is read.
    public var firstRow: Int {
        guard name.hasSuffix(":]"), let bracket else { return 0 }
        return Int(name[name.index(after: bracket)...].dropLast(2)) ?? 0
    }

    private var bracket: String.Index? { name.lastIndex(of: "[") }
}

extension ComputationGraph {
    /// The frozen tensors of the graph in the order of first use, each once.
    public var weightLeaves: [WeightLeaf] {
        nodes.compactMap { node in
            guard case .weight(let name) = node.operation, let rows = node.results[0].shape.rows.fixedValue,
                let columns = node.results[0].shape.columns.fixedValue
            else { return nil }
            return WeightLeaf(name: name, rows: rows, columns: columns)
        }
    }

    /// The frozen tensors whose names a pattern matches.
    ///
    /// - Throws: ``InterventionError`` for text that is no pattern, or that matches nothing, with the nearest name.
    public func weights(matching pattern: String) throws(InterventionError) -> [WeightLeaf] {
        let leaves = weightLeaves
        return try PatternNames(ofWeights: leaves).select(PathPattern(pattern, what: "weight pattern")).map {
            leaves[$0.element]
        }
    }
}

extension PatternNames {
    init(ofWeights leaves: [WeightLeaf]) {
        self.init(of: "weight")
        for (place, leaf) in leaves.enumerated() {
            add(leaf.checkpointName, element: place, isWhole: false)
        }
        for shown in names.map({ Self.shown($0.text).replacing("#", with: "*") }) where !known.contains(shown) {
            known.append(shown)
        }
    }
}

extension Program {
    /// The trainable weights on a graph, the parameters that stand for them, and what is wrong.
    func boundWeights(in graph: ComputationGraph) -> ([BoundWeights], [BoundParameter], [ProgramProblem]) {
        guard !trainable.isEmpty else { return ([], [], []) }
        let leaves = graph.weightLeaves
        let names = PatternNames(ofWeights: leaves)
        var bound: [BoundWeights] = []
        var problems: [ProgramProblem] = []
        var chosen: Set<Int> = []
        for declared in trainable {
            do throws(InterventionError) {
                let found = try names.select(PathPattern(declared.pattern, what: "weight pattern")).map(\.element)
                chosen.formUnion(found)
                bound.append(
                    BoundWeights(
                        pattern: declared.pattern, location: declared.location, weights: found.map { leaves[$0].name },
                        count: found.reduce(0) { $0 + leaves[$1].count }))
            } catch {
                problems.append(ProgramProblem(location: "\(declared.location)", declaration: "", error: error))
            }
        }
        let parameters = chosen.sorted().map { place in
            let leaf = leaves[place]
            let name = TrainableWeights.parameterName(of: leaf.name)
            return BoundParameter(
                name: name,
                specification: ParameterSpecification(
                    name, leaf.rows, leaf.columns, initialiser: .weight(leaf.name)),
                hooks: [], weight: leaf.name)
        }
        return (bound, parameters, problems)
    }
}
