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

    /// What can be seen without the model is seen when the folder is read.
    @Test func tensorsThatFitNoWidthAreRefused() throws {
        let trained = try session()
        func message(_ change: (inout Adapter) -> Void) throws -> String {
            var adapter = try trained.adapter(named: "x")
            change(&adapter)
            var message = ""
            try withFolder { folder in
                try adapter.write(to: folder.path)
                do {
                    _ = try Adapter(at: folder.path)
                } catch {
                    message = "\(error)".replacing(folder.path, with: "x")
                }
            }
            return message
        }
        #expect(try message { _ in } == "")
        #expect(
            try message { $0.parameters["loreft.1.l1.bias"] = .init(rows: 1, columns: 3, values: [1, 2, 3]) }
                == "x: the tensors of 'loreft.1.l1' fit neither each other nor any width of a site: bias [1, 3], "
                + "rotation [32, 2], weight [2, 32]")
        #expect(
            try message { $0.parameters["loreft.1.l1.bias"] = nil }
                == "x: the tensors of 'loreft.1.l1' fit neither each other nor any width of a site: rotation [32, 2], "
                + "weight [2, 32]")
        #expect(
            try message { $0.parameters["other.1.bias"] = .init(rows: 1, columns: 1, values: [1]) }
                == "x: the tensor 'other.1.bias' belongs to no declaration")
        #expect(try message { $0.parameters = [:] } == "x: there is no tensor of 'loreft'")
    }

    @Test func foldersOfOthersAreLeftAlone() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try OutputFolder.adapter.check(folder.path)
            for name in ["notes.txt", "a", "b", "c"] { try Data().write(to: folder.appendingPathComponent(name)) }
            for (kind, name) in [
                (OutputFolder.adapter, "adapter"), (.foldedModel, "folded model"), (.pyreftFolder, "pyreft folder"),
            ] {
                #expect { try kind.check(folder.path) } throws: {
                    "\($0)"
                        == "\(folder.path): is a folder with other files (a, b, c and 1 more), and no earlier \(name); "
                        + "name another folder, or add --overwrite"
                }
                try kind.check(folder.path, overwriting: true)
            }
            try session().adapter(named: "x").write(to: folder.path)
            try OutputFolder.adapter.check(folder.path)
        }
    }

    @Test func destinationsAreCheckedBeforeTheWork() throws {
        try withFolder { folder in
            try OutputFolder.adapter.check(folder.appendingPathComponent("a/b").path)
            #expect(!FileManager.default.fileExists(atPath: folder.path))
            try Data().write(to: folder)
            let path = folder.appendingPathComponent("a").path
            #expect { try OutputFolder.adapter.check(path) } throws: {
                "\($0)" == "\(path): can not be written: \(folder.path) is a file, not a folder"
            }
        }
    }
}
