import Graph

/// The time that steps of one kind took.
public struct ProfileEntry: Hashable, Sendable, CustomStringConvertible {
    /// The operation's name, or where the steps come from.
    public var name: String
    /// The sum over all calls.
    public var seconds: Double
    /// How many kernel calls.
    public var calls: Int

    public var description: String { "\(name): \(seconds * 1e3) ms in \(calls) calls" }
}

extension Executor {
    /// Time by operation since profiling was last reset, the largest first. Empty unless ``isProfiling`` was set.
    public func profile() -> [ProfileEntry] { profile { $0.operation.name } }

    /// Time by where the nodes come from, such as `model.layers.3.mlp`, the largest first.
    public func profileByProvenance() -> [ProfileEntry] { profile { $0.provenance.description } }

    /// Forgets the times so far.
    public func resetProfile() {
        for index in stepSeconds.indices {
            stepSeconds[index] = 0
            stepCalls[index] = 0
        }
    }

    private func profile(by name: (Node) -> String) -> [ProfileEntry] {
        var entries: [String: ProfileEntry] = [:]
        for (index, step) in plan.steps.enumerated() where stepCalls[index] > 0 {
            let key = name(plan.graph.nodes[step.node])
            entries[key, default: ProfileEntry(name: key, seconds: 0, calls: 0)].seconds += stepSeconds[index]
            entries[key]?.calls += stepCalls[index]
        }
        return entries.values.sorted { ($0.seconds, $1.name) > ($1.seconds, $0.name) }
    }
}
