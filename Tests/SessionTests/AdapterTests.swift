import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Testing

@testable import Session

@Suite struct AdapterTests {
    private static let program = Program { LoReFT(rank: 2).on(.blockOutput, layers: .all).at(.first(1) + .last(1)) }
    private let input = [Example(tokens: [1, 5, 9, 3])]

    private func session(_ model: String = "llama", seed: UInt64 = 5) throws -> Session {
        try Session(PeerFixtures.model(model), program: Self.program, seed: seed)
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func whatIsWrittenIsRead() throws {
        try withFolder { folder in
            let trained = try session()
            let path = folder.appendingPathComponent("politeness").path
            try trained.adapter(named: "x", training: ["steps": .number(3), "note": .text("a")]).write(to: path)
            let read = try Adapter(at: path)
            #expect(read.name == "politeness")
            #expect(read.training == ["steps": .number(3), "note": .text("a")])
            #expect(read.parameterCount == trained.trainedParameterCount)
            let again = try Session(trained.model, adapters: [read])
            #expect(try again.run(input).logits?.values == trained.run(input).logits?.values)
        }
    }

    @Test func twoOfOneNameStandBesideEachOther() throws {
        let (one, other) = (try session(seed: 1), try session(seed: 2))
        let adapters = [try one.adapter(named: "one"), try other.adapter(named: "other")]
        let both = try Session(one.model, adapters: adapters)
        #expect(both.trainedParameterCount == 2 * one.trainedParameterCount)
        #expect(both.program.runs.flatMap(\.declarations).compactMap(\.name) == ["one/loreft", "other/loreft"])
        #expect(try both.run(input).logits?.values != one.run(input).logits?.values)
    }

    @Test func otherModelsAreRefused() throws {
        let adapter = try session().adapter(named: "x")
        #expect { try Session(PeerFixtures.model("gpt2"), adapters: [adapter]) } throws: {
            "\($0)" == "x was trained on another model than gpt2: "
                + "the architecture is 'llama' in one and 'gpt2' in the other"
        }
        var warnings: [String] = []
        _ = try Session(PeerFixtures.model("llama-f16"), adapters: [adapter], warn: { warnings.append($0) })
        #expect(warnings == ["x was trained on the same weights in another storage type; they differ by 0.0 %"])
    }

    /// A parameter that the file lacks would otherwise keep a random first value.
    @Test func parametersMustBeComplete() throws {
        let trained = try session()
        var adapter = try trained.adapter(named: "x")
        adapter.parameters["loreft.1.l1.bias"] = nil
        #expect { try Session(trained.model, adapters: [adapter]) } throws: {
            "\($0)".contains("'loreft.1.l1.bias' is missing")
        }
        adapter = try trained.adapter(named: "x")
        adapter.parameters["loreft.1.l1.bias"]?.columns = 1
        #expect { try Session(trained.model, adapters: [adapter]) } throws: {
            "\($0)".contains("'loreft.1.l1.bias' is [1, 1], not [1, 2]")
        }
    }

    @Test func destinationsAreCheckedBeforeTheWork() throws {
        try withFolder { folder in
            try Adapter.checkDestination(folder.appendingPathComponent("a/b").path)
            #expect(!FileManager.default.fileExists(atPath: folder.path))
            try Data().write(to: folder)
            let path = folder.appendingPathComponent("a").path
            #expect { try Adapter.checkDestination(path) } throws: {
                "\($0)" == "\(path): can not be written: \(folder.path) is a file, not a folder"
            }
        }
    }
}
