import Checkpoints
import Foundation
import Runtime
import Session
import Testing

/// Thirty steps of AdamW (and of SGD) against torch's, from torch's own raw state.
@Suite struct TrainingParityTests {
    static let names = PeerFixtures.names(in: "training")

    @Test func thereAreCases() { #expect(Self.names.count >= 8) }

    @Test(arguments: names) func lossCurvesAgree(name: String) throws {
        let peer = try PeerCase("training/\(name)")
        let session = try peer.session()
        let settings = try #require(peer.settings["settings"] as? [String: Any])
        let losses = try #require(peer.settings["losses"] as? [Double])
        let rates = try #require(peer.settings["learning_rates"] as? [Double])
        let optimizer = try Optimizer(session.parameters, settings: Self.optimizer(settings))
        var isOrthogonal = false
        for specification in session.parameters.specifications where specification.constraint == .orthonormalColumns {
            isOrthogonal = true
            let stem = "state.\(PeerCase.peerName(specification.name).dropLast())"
            try optimizer.setHouseholderState(
                specification.name, original: peer.tensors.tensor("\(stem)original").floats(),
                base: peer.tensors.tensor("\(stem)base").floats())
        }
        let labels = peer.input.examples.reduce(0) { $0 + $1.labelCount }
        var curve: [Double] = []
        for step in 0...rates.count {
            session.parameters.clearGradients()
            curve.append(try session.accumulateGradients(peer.input.examples, lossScale: 1 / Double(labels)))
            if step < rates.count { try optimizer.step(learningRate: rates[step]) }
        }
        #expect(curve.count == losses.count)
        let tolerance = isOrthogonal ? 1e-3 : 1e-4
        for (step, (found, expected)) in zip(curve, losses).enumerated() {
            #expect(abs(found - expected) <= tolerance * abs(expected), "step \(step): \(found), not \(expected)")
        }
        for specification in session.parameters.specifications {
            let expected = try peer.tensors.tensor("final.\(PeerCase.peerName(specification.name))").floats()
            let found = try session.parameters.values(of: specification.name)
            #expect(PeerFixtures.error(found, expected) <= 1e-2, "\(specification.name)")
        }
    }

    private static func optimizer(_ settings: [String: Any]) -> OptimizerSettings {
        var optimizer = OptimizerSettings.adamW(
            weightDecay: settings["weight_decay"] as? Double ?? 0, orthonormalMap: .householder,
            gradientNormLimit: settings["clip"] as? Double)
        if settings["optimizer"] as? String == "sgd" {
            optimizer.method = .sgd(momentum: settings["momentum"] as? Double ?? 0, dampening: 0, nesterov: false)
        }
        return optimizer
    }
}
