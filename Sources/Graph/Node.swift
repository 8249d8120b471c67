/// The place of a node in its graph.
public typealias NodeID = Int

/// One result of one node.
public struct ValueID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The node that gives it.
    public var node: NodeID
    /// Which of the node's results, counted from 0.
    public var result: Int

    public init(_ node: NodeID, _ result: Int = 0) {
        self.node = node
        self.result = result
    }

    public static func < (left: ValueID, right: ValueID) -> Bool {
        (left.node, left.result) < (right.node, right.result)
    }

    public var description: String { result == 0 ? "%\(node)" : "%\(node).\(result)" }
}

/// The one kind of node: an operation on values, the types of its results, and where it comes from.
public struct Node: Hashable, Sendable {
    public var operation: Operation
    public var inputs: [ValueID]
    public var results: [ValueType]
    /// What it was built for.
    public var provenance: Provenance

    public init(_ operation: Operation, _ inputs: [ValueID], _ results: [ValueType], _ provenance: Provenance) {
        self.operation = operation
        self.inputs = inputs
        self.results = results
        self.provenance = provenance
    }
}

/// Where a node comes from. Drawings, `explain` and error messages are made from it.
public indirect enum Provenance: Hashable, Sendable, CustomStringConvertible {
    /// A module of the model by its Hugging Face path, `model.layers.3.mlp`.
    case model(String)
    /// A declaration of the program: its place in the run, counted from 0, and its name.
    case declaration(index: Int, name: String)
    /// Choosing the rows that someone reads, and the loss on them.
    case demand
    case loss
    /// The gradient of a node with that origin.
    case gradient(of: Provenance)
    /// A node with that origin, computed again because its value was not kept.
    case recomputed(Provenance)
    /// Built by hand.
    case user(String)

    public var description: String {
        switch self {
        case .model(let path): path
        case .declaration(let index, let name): "#\(index) \(name)"
        case .demand: "demand"
        case .loss: "loss"
        case .gradient(let origin): "gradient of \(origin)"
        case .recomputed(let origin): "\(origin), again"
        case .user(let name): name
        }
    }
}
