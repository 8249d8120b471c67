import Foundation
import SwiftReFT

/// A causal-tracing grid: the block output of a clean run restored in a corrupted run, at each layer and position in turn;
/// what is read is the logits of the last token. A sample is the whole grid.
final class TracingWorkload: Workload {
    struct Task: Decodable {
        var clean: [Int32]
        var corrupted: [Int32]
        var layers: [Int]
        /// Layer and position of the cells that are compared.
        var checkedCells: [[Int]]
    }

    private let task: Task
    private let sessions: [Session]

    init(task data: Data) throws {
        let modelTask = try decodeTask(ModelTask.self, data)
        let model = try modelTask.open()
        task = try decodeTask(Task.self, data)
        sessions = try task.layers.map { layer in
            let program = Program {
                Run("clean")
                Run.base { Interchange(from: "clean").on(.blockOutput, layer: layer).at(.field("restored")) }
            }
            return try modelTask.computing(Session(model, program: program))
        }
    }

    /// One cell for each position, in one batch.
    private var cells: [Example] {
        let clean = Example(tokens: task.clean)
        return task.corrupted.indices.map { position in
            var example = Example(tokens: task.corrupted, fields: ["restored": [position]])
            var source = clean
            source.fields = example.fields
            example.sources["clean"] = source
            return example
        }
    }

    func check() throws -> [Reading] {
        var readings: [Reading] = []
        shareActivations()
        for (layer, session) in zip(task.layers, sessions) {
            let positions = task.checkedCells.filter { $0[0] == layer }.map { $0[1] }
            guard !positions.isEmpty else { continue }
            guard let logits = try session.run(cells, logits: .lastRows).logits else { continue }
            for position in positions {
                let row = logits.values[position * logits.columns..<(position + 1) * logits.columns]
                readings.append(.floats("cell.\(layer).\(position)", Array(row)))
            }
        }
        return readings
    }

    func sample() throws -> [Reading] {
        let cells = cells
        let (_, seconds) = try timed {
            shareActivations()
            for session in sessions { _ = try session.run(cells, logits: .lastRows) }
        }
        return [.seconds(seconds)]
    }

    /// An empty store for all sessions: each grid computes the clean run and the corrupted one once.
    private func shareActivations() {
        let store = ActivationStore(budget: 4 << 30, shared: task.layers.map { SiteID(.blockOutput, layer: $0) })
        for session in sessions { session.activations = store }
    }
}
