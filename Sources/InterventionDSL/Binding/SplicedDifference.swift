import Graph

/// What a program changed in a model's graph: every node that it added, and every node that now reads an edited value.
///
/// ```swift
/// let difference = spliced.difference(from: graph)
/// print(difference)   // + %41 = add(%38, %40) …   ; #0 loreft
///                     // ~ %42 = rmsNorm(%41, %39) …   read %38
/// ```
/// Ids are those of ``after``.
public struct SplicedDifference: Sendable {
    /// What became of a node.
    public enum Change: Hashable, Sendable {
        /// It computes what it computed before.
        case kept
        /// The program added it.
        case added
        /// It reads edited values; `before` is what it read in their place.
        case rewired(before: [ValueID])
    }

    /// The model's graph.
    public let before: ComputationGraph
    /// The same with the program compiled into it.
    public let after: ComputationGraph
    /// What became of each node of ``after``.
    public let changes: [Change]

    /// The nodes that are not as they were, in order.
    public var changedNodes: [NodeID] { changes.indices.filter { changes[$0] != .kept } }

    /// The number of added nodes.
    public var addedCount: Int { changes.count { $0 == .added } }

    /// `62 of 1315 nodes added, 9 read edited values`.
    public var summary: String {
        "\(addedCount) of \(after.nodes.count) nodes added, \(rewiredCount) read edited values"
    }

    /// The number of nodes that read other values than before.
    public var rewiredCount: Int { changes.count - addedCount - changes.count { $0 == .kept } }
}

extension SplicedGraph {
    /// Compares with the graph that the program was spliced into.
    /// - Parameter original: that very graph.
    public func difference(from original: ComputationGraph) -> SplicedDifference {
        var changes = [SplicedDifference.Change](repeating: .added, count: graph.nodes.count)
        for (id, node) in original.nodes.enumerated() {
            let place = unedited(ValueID(id)).node
            let inputs = node.inputs.map(unedited)
            changes[place] = graph.nodes[place].inputs == inputs ? .kept : .rewired(before: inputs)
        }
        return SplicedDifference(before: original, after: graph, changes: changes)
    }
}

extension SplicedDifference: CustomStringConvertible {
    /// A line for each node that is not as it was: `+` and the node for an added one, `~`, the node and what it read for
    /// one that reads edited values.
    public var description: String {
        var lines = [summary]
        for id in changedNodes {
            switch changes[id] {
            case .kept: break
            case .added: lines.append("+ " + after.line(of: id))
            case .rewired(let inputs):
                let replaced = zip(inputs, after.nodes[id].inputs).filter { $0 != $1 }
                let text = replaced.map { "\($1) for \($0)" }.joined(separator: ", ")
                lines.append("~ \(after.line(of: id))   reads \(text)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
