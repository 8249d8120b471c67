import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Runtime
import Testing

@testable import Session

/// Values that are computed again in the backward pass: the same bits in less memory.
@Suite struct RecomputationTests {
    private static let programs: [(name: String, program: Program)] = [
        (
            "loreft",
            Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(1) + .last(1)).tied(across: .positions) }
        ),
        ("dropout", Program { LoReFT(rank: 2, dropout: 0.3).on(.blockOutput, layers: .all).at(.all) }),
        (
            "inside",
            Program {
                LoReFT(rank: 2).on(.mlpActivation, layer: 0).at(.all)
                DiReFT(rank: 2).on(.attentionOutput, layer: 1).at(.prompt)
                Noise(level: 0.1).on(.mlpOutput, layer: 0).at(.last(1))
            }
        ),
        ("lora", Program { LoRA(rank: 2).on(.queryOutput, layers: .all).at(.all) }),
    ]

    private static func session(_ model: String, _ program: Program) throws -> Session {
        let session = try Session(try PeerFixtures.model(model), program: program, seed: 7)
        // Zero parameters would hide values that are not computed.
        var random = Philox(seed: 3)
        for specification in session.parameters.specifications where specification.constraint == .none {
            let count = specification.rows * specification.columns
            try session.parameters.set(
                specification.name, (0..<count).map { _ in (random.nextUniform() - 0.5) * 0.2 })
        }
        return session
    }

    @Test(arguments: ["llama", "gpt2", "gemma3"]) func lossesAndGradientsHaveTheSameBits(model: String) throws {
        for (name, program) in Self.programs {
            let session = try Self.session(model, program)
            let wanted = try ReuseTests.gradients(session, ReuseTests.examples)
            #expect(wanted.gradients.values.contains { $0.contains { $0 != 0 } }, "\(model) \(name)")
            for parts in [
                RecomputedParts(attention: true), RecomputedParts(blocks: 1),
                RecomputedParts(blocks: 100, attention: true),
            ] {
                session.recomputed = parts
                #expect(try ReuseTests.gradients(session, ReuseTests.examples) == wanted, "\(model) \(name) \(parts)")
            }
        }
    }
}
