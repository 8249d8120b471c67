import Checkpoints
import Foundation
import Session
import Testing

/// Programs with source runs against pyvene and plain torch: parallel, serial, groups, nested, other layers, positions and
/// heads, constants, shared sources; outputs, and gradients through the sources.
@Suite struct RunParityTests {
    static let names = PeerFixtures.names(in: "runs")

    @Test func thereAreCases() { #expect(Self.names.count == 34) }

    @Test(arguments: names) func outputsAgree(name: String) throws {
        let peer = try PeerCase("runs/\(name)")
        let session = try peer.session()
        let result = try session.run(peer.input.examples, collecting: session.sites(matching: ["block_output.1"]))
        let logits = try #require(result.logits)
        #expect(PeerFixtures.error(logits.values, try peer.tensors.tensor("expected.logits").floats()) <= 1e-5)
        let block = try #require(result.collected.last)
        #expect(PeerFixtures.error(block.values, try peer.tensors.tensor("expected.block_output.1").floats()) <= 1e-5)
        let loss = try #require(result.loss)
        #expect(PeerFixtures.error([Float(loss)], try peer.tensors.tensor("expected.loss").floats()) <= 1e-5)
        #expect(result.warnings == [])
    }

    @Test(arguments: names.filter { $0.contains("trained") }) func gradientsAgree(name: String) throws {
        let peer = try PeerCase("runs/\(name)")
        let session = try peer.session()
        let labels = peer.input.examples.reduce(0) { $0 + $1.labelCount }
        try session.checkTrainingData(peer.input.examples, file: name)
        _ = try session.accumulateGradients(peer.input.examples, lossScale: 1 / Double(labels))
        let result = try session.run(peer.input.examples, gradients: true)
        #expect(result.gradients.count >= 3)
        for gradient in result.gradients {
            let expected = try peer.tensors.tensor("gradient.\(PeerCase.peerName(gradient.name))").floats()
            #expect(expected.contains { $0 != 0 })
            #expect(PeerFixtures.error(gradient.values, expected) <= 1e-4, "\(gradient.name)")
            let trained = try session.parameters.gradient(of: gradient.name).floats()
            #expect(PeerFixtures.error(trained, expected) <= 1e-4, "\(gradient.name) in training")
        }
    }
}
