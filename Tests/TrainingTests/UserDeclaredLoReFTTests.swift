import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing

@testable import Training

/// LoReFT written again as a user would, with nothing but the public language.
private struct HandmadeLoReFT: Intervention {
    var rank: Int
    /// The same names give the same first values: each parameter is drawn from a stream of its name.
    var defaultName: String { "loreft" }

    func parameters(at site: SiteShape) -> ParameterList {
        [
            ParameterSpecification(
                "rotation", site.width, rank, initialiser: .orthonormal, constraint: .orthonormalColumns),
            ParameterSpecification("weight", rank, site.width, initialiser: .linear(inputs: site.width)),
            ParameterSpecification("bias", 1, rank, initialiser: .linear(inputs: site.width)),
        ]
    }

    func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let rotation = try context.parameter("rotation")
        let target = rows.linear(try context.parameter("weight"), bias: try context.parameter("bias"))
        return rows + (target - rows.times(rotation)).times(rotation, transposed: true)
    }
}

@Suite struct UserDeclaredLoReFTTests {
    /// Losses and parameters of a short training on the tiny Llama.
    private func train(_ intervention: some Intervention) throws -> ([Double], [String: Adapter.ParameterValues]) {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/models/llama")
        let program = Program { intervention.on(.blockOutput, layers: [0, 1]).at(.first(2) + .last(2)) }
        let examples = (0..<3).map { seed in
            let tokens = (0..<7).map { Int32((seed * 31 + $0 * 17 + 5) % 90) }
            return Example(tokens: tokens, target: .tokens([-100, -100, -100, -100] + tokens.suffix(3)))
        }
        var losses: [Double] = []
        let adapter = try Model(at: folder.path).train(
            program, on: examples, settings: TrainingSettings(epochs: 4, batchSize: 2, learningRate: 1e-2)
        ) { step in
            losses.append(step.loss)
            return true
        }
        return (losses, adapter.parameters)
    }

    @Test func hasTheBitsOfTheBuiltInOne() throws {
        let (losses, parameters) = try train(LoReFT(rank: 2))
        let (handmadeLosses, handmadeParameters) = try train(HandmadeLoReFT(rank: 2))
        #expect(losses.count == 8)
        #expect(losses == handmadeLosses)
        #expect(parameters == handmadeParameters)
        #expect(losses[7] < losses[0])
    }

    @Test func sameSeedSameBits() throws {
        #expect(try train(LoReFT(rank: 2)) == train(LoReFT(rank: 2)))
    }
}
