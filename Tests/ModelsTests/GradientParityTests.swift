import Checkpoints
import Foundation
import Graph
import Models
import Runtime
import Testing

/// Gradients of the loss with respect to the embedding and every block's output against torch's, as the runtime
/// computes them.
@Suite struct GradientParityTests {
    private struct Labels: Decodable {
        var labels: [[Int32]]
    }

    static let names = ParityTests.names.filter { name in
        !["bert", "llama-bf16", "llama-f16", "llama-sharded"].contains(where: name.contains)
    }

    @Test(arguments: names) func gradientsOfSites(name: String) throws {
        let fixture = try FixtureModel(name)
        let labels = try FixtureModel.decoded(Labels.self, "models/\(name)/cases.json").labels
        // The logits of a row are judged by the label of the next one.
        var (rows, targets): ([Int32], [Int32]) = ([], [])
        var start: Int32 = 0
        for sequence in labels {
            for (place, label) in sequence.enumerated() where place > 0 && label >= 0 {
                rows.append(start + Int32(place) - 1)
                targets.append(label)
            }
            start += Int32(sequence.count)
        }
        var batch = FixtureBatch(fixture.cases.sequences, demanding: rows)
        batch.inputs["targets"] = targets

        let (graph, outputs) = try fixture.model.graph()
        let builder = GraphBuilder(graph)
        let logits = builder.value(try #require(outputs.logits))
        let wanted = builder.input("targets", .indices(logits.shape.rows))
        let loss = builder.node(.crossEntropy, logits, wanted).sum(.all) * (1 / Double(targets.count))
        let sites = try (0..<fixture.model.sizes.layers).map {
            try #require(graph.site(SiteID(.blockOutput, layer: $0)))
        }
        let values = try [#require(graph.site(SiteID(.embedding)))] + sites
        let differentiated = try builder.finish().differentiating(loss.id, withRespectTo: values.map(\.value))
        let gradients = try differentiated.gradients.map { try #require($0) }
        let found = try batch.execute(differentiated.graph, [loss.id] + gradients, of: fixture.model)
        #expect(relativeError(found[0].map(Double.init), try fixture.expected.tensor("loss").floats()) < 1e-5)
        for (site, gradient) in zip(values, found.dropFirst()) {
            let reference = try fixture.expected.tensor("gradient.\(site.id)").floats()
            #expect(relativeError(gradient.map(Double.init), reference) < 1e-4, "\(site.id) of \(name)")
        }
    }
}
