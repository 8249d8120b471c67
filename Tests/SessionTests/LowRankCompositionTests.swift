import Foundation
import Graph
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

/// ReFT beside LoRA: composed, averaged, in one bank, and LoRA folded into its projections.
@Suite struct LowRankCompositionTests {
    private let input = [Example(tokens: [1, 5, 9, 3]), Example(tokens: [7, 2])]
    private static let lora = Program { LoRA(rank: 2, alpha: 4).on(.queryOutput, layers: .all).at(.all) }
    private static let reft = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.last) }

    /// LoRA's second factor starts at zero: it gets numbers that a seed decides.
    private func adapter(_ name: String, _ seed: UInt64, _ program: Program, on model: Model) throws -> Adapter {
        var adapter = try Session(model, program: program, seed: seed).adapter(named: name)
        for (name, values) in adapter.parameters where name.hasSuffix(".up") {
            for place in values.values.indices {
                adapter.parameters[name]?.values[place] = Float((place * 37 + Int(seed) * 11) % 19 - 9) / 20
            }
        }
        return adapter
    }

    private func logits(_ session: Session, _ examples: [Example]) throws -> [Float] {
        try session.run(examples).logits?.values ?? []
    }

    @Test func bothActInOneSession() throws {
        let model = try PeerFixtures.model("llama")
        let (reft, lora) = (try adapter("reft", 1, Self.reft, on: model), try adapter("lora", 2, Self.lora, on: model))
        let both = try logits(Session(model, composing: Composition([reft, lora])), input)
        // They are at different sites, so that their order does not matter.
        let turned = try logits(Session(model, composing: Composition([lora, reft])), input)
        #expect(PeerFixtures.error(both, turned) < 1e-6)
        for alone in [reft, lora] {
            #expect(try PeerFixtures.error(logits(Session(model, adapters: [alone]), input), both) > 1e-4)
        }
        // An average of one member with weight 1 is the member.
        let average = Composition { Average([(Composition([reft, lora]), 1)]) }
        #expect(try PeerFixtures.error(logits(Session(model, composing: average), input), both) < 1e-5)
    }

    @Test func bothLieInOneBank() throws {
        let model = try PeerFixtures.model("llama")
        let adapters = [
            try adapter("reft", 1, Self.reft, on: model), try adapter("lora", 2, Self.lora, on: model),
            try adapter("other", 3, Self.lora, on: model),
        ]
        let bank = try Session(model, bank: adapters)
        for place in [0, 1, 2] {
            let mixed = [(place + 1) % 3, place].enumerated().map {
                Example(tokens: input[$0].tokens, adapterIndex: $1)
            }
            let found = try logits(bank, mixed)
            let alone = try logits(Session(model, adapters: [adapters[place]]), [input[1]])
            #expect(PeerFixtures.error(Array(found.suffix(alone.count)), alone) < 1e-5)
        }
    }

    @Test func aLoRAFoldsIntoItsProjection() throws {
        for name in ["llama", "qwen2"] {
            let model = try PeerFixtures.model(name)
            let session = try Session(model, adapters: [adapter("lora", 2, Self.lora, on: model)])
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: folder) }
            let folded = try FoldedModel(session)
            #expect(folded.enabledKeys.isEmpty)
            try folded.write(to: folder.path)
            let found = try logits(Session(Model(at: folder.path)), input)
            #expect(try PeerFixtures.error(found, logits(session, input)) < 1e-5)
            #expect(try PeerFixtures.error(found, logits(Session(model), input)) > 1e-4)
        }
    }

    /// Its norms are read from the projection that it is folded into.
    @Test(arguments: ["llama", "qwen2"]) func aDoRAFoldsIntoItsProjection(name: String) throws {
        let model = try PeerFixtures.model(name)
        let program = Program { DoRA(rank: 2, alpha: 3).on(.queryOutput, layers: .all).at(.all) }
        let session = try Session(model, program: program, seed: 4)
        for parameter in session.parameters.names {
            let values = try session.parameters.values(of: parameter)
            try session.parameters.set(parameter, values.indices.map { values[$0] + 0.2 * sin(Float($0)) })
        }
        let found = try logits(Session(session.folded()), input)
        #expect(try PeerFixtures.error(found, logits(session, input)) < 1e-5)
        #expect(try PeerFixtures.error(found, logits(Session(model), input)) > 1e-4)
    }
}
