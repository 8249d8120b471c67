import Checkpoints
import Foundation
import InterventionDSL
import Session
import Testing

/// Interventions on tiny models against pyreft's own modules: outputs, loss and the gradients of all parameters.
@Suite struct InterventionParityTests {
    static let names = ["interventions", "weights"].flatMap { part in
        PeerFixtures.names(in: part).map { "\(part)/\($0)" }
    }

    @Test func thereAreCases() { #expect(Self.names.count >= 57) }

    @Test(arguments: names) func outputsAgree(name: String) throws {
        let peer = try PeerCase(name)
        let session = try peer.session()
        let result = try session.run(peer.input.examples, collecting: session.sites(matching: ["block_output"]))
        let logits = try #require(result.logits)
        #expect(PeerFixtures.error(logits.values, try peer.tensors.tensor("expected.logits").floats()) <= 1e-5)
        for site in result.collected where site.name.hasPrefix("block_output") {
            #expect(
                PeerFixtures.error(site.values, try peer.tensors.tensor("expected.\(site.name)").floats()) <= 1e-5,
                "\(site.name)")
        }
        let loss = try #require(result.loss)
        #expect(PeerFixtures.error([Float(loss)], try peer.tensors.tensor("expected.loss").floats()) <= 1e-5)
    }

    @Test(arguments: names) func gradientsAgree(name: String) throws {
        let peer = try PeerCase(name)
        let session = try peer.session()
        let result = try session.run(peer.input.examples, gradients: true)
        #expect(result.gradients.count == session.parameters.specifications.count)
        for gradient in result.gradients {
            let expected = try peer.tensors.tensor("gradient.\(PeerCase.peerName(gradient.name))").floats()
            let floor = TrainableWeights.isParameter(gradient.name) ? 1e-3 : 0
            #expect(PeerFixtures.error(gradient.values, expected, floor: floor) <= 1e-4, "\(gradient.name)")
        }
    }
}
