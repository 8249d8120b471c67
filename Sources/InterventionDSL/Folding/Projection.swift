import Graph

/// A value of a graph that is a linear layer's output, or some columns of it: x · W, or x · Wᵀ, and perhaps a bias.
public struct Projection: Hashable, Sendable {
    /// The rows x that enter it.
    public var input: ValueID
    /// The checkpoint's names of W and of the bias [1, outputs].
    public var weight: String
    public var bias: String?
    /// Whether W is [outputs, inputs].
    public var isTransposed: Bool
    /// The columns of the output that the value is, where a fused layer makes several values; nil for all.
    public var columns: [Int]?
}

extension ComputationGraph {
    /// The linear layer that a value is the output of, if it is one whose tensors nothing else uses.
    /// - Throws: ``InterventionError/unfoldable(site:reason:)`` with what it is instead.
    func projection(at value: ValueID, site: String) throws(InterventionError) -> Projection {
        func refuse(_ reason: String) -> InterventionError { .unfoldable(site: site, reason: reason) }
        var product = nodes[value.node]
        if let columns = product.chosenColumns, let whole = product.inputs.first {
            guard var projection = try? projection(at: whole, site: site), projection.columns == nil else {
                throw refuse("it is columns of \(nodes[whole.node].operation.name), and not of a projection's output")
            }
            projection.columns = columns
            return projection
        }
        var bias: ValueID?
        if case .binary(.add) = product.operation {
            let sides = product.inputs
            for (side, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
                guard case .matmul = nodes[side.node].operation, case .weight = nodes[other.node].operation else {
                    continue
                }
                product = nodes[side.node]
                bias = other
                break
            }
        }
        guard case .matmul(false, let isTransposed) = product.operation, product.inputs.count >= 2,
            case .weight(let weight) = nodes[product.inputs[1].node].operation
        else {
            throw refuse("it is not the output of a projection, but of \(nodes[value.node].operation.name)")
        }
        if product.inputs.count == 3 { bias = product.inputs[2] }
        var names = [weight]
        var biasName: String?
        if let bias, case .weight(let name) = nodes[bias.node].operation {
            names.append(name)
            biasName = name
        }
        for name in names {
            // Edits that read it, as DoRA does, are folded away.
            let users = nodes.count { node in
                if case .declaration = node.provenance { return false }
                return node.inputs.contains { nodes[$0.node].operation == .weight(name) }
            }
            if users > 1 {
                throw refuse("its tensor '\(name)' is used in \(users) places, and all of them would change")
            }
        }
        return Projection(input: product.inputs[0], weight: weight, bias: biasName, isTransposed: isTransposed)
    }
}

extension Node {
    /// The columns of its input that a node is; nil for a node that is something else.
    fileprivate var chosenColumns: [Int]? {
        switch operation {
        case .sliceColumns(let start, let count): Array(start..<start + count)
        case .blocks(.slice(let blocks)):
            (0..<blocks.count).flatMap { Array(blocks.start($0)..<blocks.start($0) + blocks.width) }
        default: nil
        }
    }
}
