import Checkpoints
import Foundation
import Graph
import Models
import Runtime
import Testing

extension FixtureBatch {
    /// For the executor.
    var inputBatch: InputBatch {
        var batch = InputBatch()
        for (name, indices) in inputs { batch.set(name, indices: indices) }
        return batch
    }

    /// The values of a graph of the model as the runtime computes them.
    func execute(_ graph: ComputationGraph, _ values: [ValueID], of model: Model) throws -> [[Float]] {
        let executor = try Executor(Plan(graph, outputs: values), weights: model.weights)
        try executor.run(inputBatch)
        return values.indices.map { executor.output($0).floats() }
    }
}

/// Logits and block outputs against transformers as the runtime computes them: in f32, from stored weights.
@Suite struct ExecutorParityTests {
    @Test(arguments: ParityTests.names.filter { !["llama-bf16", "llama-f16"].contains($0) })
    func logitsAndBlockOutputs(name: String) throws {
        let fixture = try FixtureModel(name)
        let (graph, outputs) = try fixture.model.graph()
        var wanted = [("logits", try #require(outputs.logits))]
        for layer in 0..<fixture.model.sizes.layers {
            wanted.append(
                ("block_output.\(layer)", try #require(graph.site(SiteID(.blockOutput, layer: layer))).value))
        }
        let values = try fixture.batch.execute(graph, wanted.map(\.1), of: fixture.model)
        for ((name, _), value) in zip(wanted, values) {
            let error = relativeError(value.map(Double.init), try fixture.expected.tensor(name).floats())
            #expect(error < 1e-5, "\(name)")
        }
    }

    @Test func storedF16AndBF16AreUsedAsTheyAre() throws {
        for name in ["llama-f16", "llama-bf16"] {
            let fixture = try FixtureModel(name)
            let (graph, outputs) = try fixture.model.graph()
            let logits = try #require(outputs.logits)
            let reference = try fixture.batch.evaluate(graph, [logits], of: fixture.model)[0].values
            let values = try fixture.batch.execute(graph, [logits], of: fixture.model)[0]
            #expect(relativeError(reference, values) < 1e-5, "\(name)")
        }
    }
}
