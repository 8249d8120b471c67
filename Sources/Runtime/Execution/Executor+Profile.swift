import Graph

/// The time that steps of one kind took.
public struct ProfileEntry: Hashable, Sendable, CustomStringConvertible {
    /// The operation's name, or where the steps come from.
    public var name: String
    /// The sum over all calls.
    public var seconds: Double
    /// How many kernel calls.
    public var calls: Int
    /// Multiplications and additions of matrix products, summed over all calls.
    public var operations = 0.0

    public var description: String { "\(name): \(seconds * 1e3) ms in \(calls) calls" }

    /// The entries of the same name as one, the largest first.
    public static func joined(_ entries: [ProfileEntry]) -> [ProfileEntry] {
        var sums: [String: ProfileEntry] = [:]
        for entry in entries {
            guard var sum = sums[entry.name] else {
                sums[entry.name] = entry
                continue
            }
            sum.seconds += entry.seconds
            sum.calls += entry.calls
            sum.operations += entry.operations
            sums[entry.name] = sum
        }
        return sums.values.sorted { ($0.seconds, $1.name) > ($1.seconds, $0.name) }
    }
}

extension Executor {
    /// Time by operation since profiling was last reset, the largest first. Empty unless ``isProfiling`` was set.
    public func profile() -> [ProfileEntry] { profile { $0.operation.name } }

    /// The same with products told apart by the widths of what they take and give, as in `matmul 576 → 1536`.
    public func profileByShape() -> [ProfileEntry] {
        profile { node in
            guard case .matmul(let transposeLeft, _) = node.operation else { return node.operation.name }
            let left = plan.graph.type(of: node.inputs[0]).shape
            return "matmul \(transposeLeft ? left.rows : left.columns) → \(node.results[0].shape.columns)"
        }
    }

    /// Time by where the nodes come from, such as `model.layers.3.mlp`, the largest first.
    public func profileByProvenance() -> [ProfileEntry] { profile { $0.provenance.description } }

    /// Forgets the times so far.
    public func resetProfile() {
        for index in stepSeconds.indices {
            stepSeconds[index] = 0
            stepCalls[index] = 0
            stepOperations[index] = 0
        }
    }

    private func profile(by name: (Node) -> String) -> [ProfileEntry] {
        ProfileEntry.joined(
            plan.steps.enumerated().filter { stepCalls[$0.offset] > 0 }.map { index, step in
                ProfileEntry(
                    name: name(plan.graph.nodes[step.node]), seconds: stepSeconds[index], calls: stepCalls[index],
                    operations: stepOperations[index])
            })
    }
}

extension ExecutableStep {
    /// Multiplications and additions of a matrix product: 2 · m · n · k.
    var productOperations: Double {
        let (a, y) = (input(0), result())
        switch kernel {
        case .matmul(let transposeLeft, _, _, _):
            return 2 * Double(y.rows) * Double(y.columns) * Double(transposeLeft ? a.rows : a.columns)
        case .linearCrossEntropy:
            let products = result(1).address == nil ? 1.0 : 2
            return 2 * products * Double(a.rows) * Double(a.columns) * Double(input(1).rows)
        default:
            return 0
        }
    }
}
