import Models
import Runtime

/// What a session would do with a batch.
public enum SessionPurpose: Hashable, Sendable {
    /// A step of training on the examples.
    case training
    /// ``Session/run(_:logits:sources:collecting:gradients:unedited:seed:receipt:inputName:)`` with logits of some rows.
    case run(Demand)
    /// The prompts of a generation, up to the first token of the answers.
    case prompts
}

extension Session {
    func graphVariant(for purpose: SessionPurpose, of examples: [Example]) -> GraphVariant {
        switch purpose {
        case .training: return .training(measures: false, reuses: reusesActivations)
        case .run(let demand):
            let labels = RaggedBatch(examples, demand: demand).labelCount
            return GraphVariant(
                purpose: .inspect(collecting: []), demand: demand,
                hasLoss: labels > 0 && (demand != .lastRows || !model.kind.scoresTokens), reuses: reusesActivations)
        case .prompts: return .generation(.prompt)
        }
    }

    /// The plan of what the session computes for a purpose, for printing and measuring; runs without labels.
    /// - Throws: What compiling the program throws.
    public func plan(for purpose: SessionPurpose) throws -> Plan {
        try compiledForLooking(graphVariant(for: purpose, of: [])).plan
    }
}
