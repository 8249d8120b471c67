import Foundation
import SwiftReFT

/// Steps of LoReFT training. A sample is one epoch over the task's sequences in their order.
final class TrainingWorkload: Workload {
    struct Task: Decodable {
        var sequences: [[Int32]]
        var labels: [[Int32]]
        var promptLengths: [Int]
        var batchSize: Int
        var learningRate: Double
        /// Whether `check` gives the graph that the program was compiled into.
        var showsGraph: Bool?
    }

    private let session: Session
    private let examples: [Example]
    private let task: Task
    private let trainer: Trainer

    init(task data: Data) throws {
        let model = try decodeTask(ModelTask.self, data)
        let task = try decodeTask(Task.self, data)
        session = try model.computing(try decodeTask(ProgramTask.self, data).session(try model.open()))
        examples = zip(zip(task.sequences, task.labels), task.promptLengths).map { pair, length in
            Example(tokens: pair.0, target: .tokens(pair.1), promptLength: length)
        }
        self.task = task
        var settings = TrainingSettings(
            epochs: 100_000, batchSize: task.batchSize, learningRate: task.learningRate)
        settings.schedule = .constant
        settings.shuffles = false
        // The peer's map, so that both take the same steps.
        settings.orthonormalMap = .householder
        trainer = try Trainer(session, examples: examples, settings: settings)
    }

    /// The loss of the first batch and the gradients of what is a plain matrix on both sides.
    func check() throws -> [Reading] {
        let batch = Array(examples.prefix(task.batchSize))
        let labels = batch.reduce(0) { $0 + $1.labelCount }
        session.parameters.clearGradients()
        // Computed as the steps are that are timed.
        session.activations = trainer.reuse == nil ? nil : ActivationStore()
        defer { session.activations = nil }
        let loss = try session.accumulateGradients(batch, lossScale: 1 / Double(labels))
        let gradients = try session.parameters.names.filter { !$0.hasSuffix(".rotation") }.map { name in
            let values = try session.parameters.gradient(of: name).floats()
            return Reading.floats("gradient.\(name.dropFirst("edit.".count))", values)
        }
        session.parameters.clearGradients()
        return [.number("loss", loss)] + gradients + (task.showsGraph == true ? try graph() : [])
    }

    /// The spliced graph, line by line, and how many nodes it has.
    private func graph() throws -> [Reading] {
        let graph = try session.splicedGraph().graph
        return [.number("nodes", Double(graph.nodes.count)), Reading(name: "graph", json: .string(graph.text()))]
    }

    func sample() throws -> [Reading] {
        var steps: [TrainingStep] = []
        let count = trainer.settings.stepsPerEpoch(examples: examples.count)
        _ = try trainer.run { step in
            steps.append(step)
            return steps.count < count
        }
        return [
            .seconds(steps.reduce(0) { $0 + $1.seconds }),
            .number("loss", steps.reduce(0) { $0 + $1.loss } / Double(steps.count)),
        ]
    }
}
