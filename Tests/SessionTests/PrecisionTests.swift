import Graph
import InterventionDSL
import ReFTPresets
import Runtime
import Testing

@testable import Session

@Suite struct PrecisionTests {
    /// Loss and gradients with products rounded to bf16 are those of f32 within that type's eight bits.
    @Test func roundedProductsTrainNearlyTheSame() throws {
        let examples = (0..<3).map { place in
            let tokens = (0..<9).map { Int32((7 * place + 5 * $0) % 90 + 3) }
            return Example(tokens: tokens, target: .tokens(tokens), promptLength: 4)
        }
        let program = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(2) + .last(2)) }
        let session = try Session(PeerFixtures.model("llama"), program: program)
        var losses: [Double] = []
        var gradients: [[Float]] = []
        for precision in [ProductPrecision.f32, .bf16, .f32] {
            session.precision = precision
            session.parameters.clearGradients()
            losses.append(try session.accumulateGradients(examples, lossScale: 1 / 27))
            gradients.append(
                try session.parameters.specifications.flatMap {
                    try session.parameters.gradient(of: $0.name).floats()
                })
        }
        #expect(losses[0] == losses[2] && gradients[0] == gradients[2])
        #expect(losses[0] != losses[1] && abs(losses[0] - losses[1]) < 0.01 * losses[0])
        #expect(PeerFixtures.error(gradients[1], gradients[0]) < 0.05)
    }

    @Test func profilesCoverAllGraphsOfASession() throws {
        let session = try Session(PeerFixtures.model("llama"))
        session.isProfiling = true
        #expect(session.profile() == [])
        _ = try session.run([Example(tokens: [5, 6, 7])])
        let calls = Dictionary(uniqueKeysWithValues: session.profile().map { ($0.name, $0.calls) })
        #expect(calls["attention"] == 2)
        session.isProfiling = false
        _ = try session.run([Example(tokens: [5, 6, 7])])
        #expect(session.profile().first { $0.name == "attention" }?.calls == 2)
    }
}
