import InterventionDSL
import Models
import Runtime
import Synchronization

extension Session {
    /// The frozen tensors that the session's graphs read: the model's, and those of files that the program names.
    var weights: any WeightSource {
        let references = hookGraph.frozenTensors
        guard !references.isEmpty else { return model.weights }
        return ProgramWeights(
            model: model.weights, references: references, reader: readTensor, made: programWeights)
    }
}

/// Frozen tensors of a program before those of the model.
struct ProgramWeights: WeightSource {
    let model: CheckpointWeights
    let references: [TensorReference]
    let reader: TensorReader
    let made: WeightCache

    func weight(named name: String) throws -> FrozenWeight {
        guard let reference = references.first(where: { $0.weightName == name }) else {
            return try model.weight(named: name)
        }
        return try made.weight(name) { try reader.weight(reference) }
    }
}

/// Frozen tensors that are opened once and shared by all graphs of a session.
final class WeightCache: Sendable {
    private let weights = Mutex<[String: FrozenWeight]>([:])

    func weight(_ name: String, make: () throws -> FrozenWeight) throws -> FrozenWeight {
        if let known = weights.withLock({ $0[name] }) { return known }
        let new = try make()
        return weights.withLock { weights in
            if let known = weights[name] { return known }
            weights[name] = new
            return new
        }
    }
}
