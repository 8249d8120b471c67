import Foundation
import Testing

@testable import Session

/// Folders for Tests/Reference/check_exported.py, which loads them with pyreft and pyvene.
@Suite struct ExportedFolderTests {
    static let output = ProcessInfo.processInfo.environment["EXPORT_OUTPUT"]

    @Test(.enabled(if: output != nil, "set EXPORT_OUTPUT to the folder that the exports shall go to"))
    func write() throws {
        let folder = URL(fileURLWithPath: try #require(Self.output))
        for name in PyreftFolderTests.names where !PyreftFolderTests.apart.contains(name) {
            let peer = try PyreftFolderTests.Case(name)
            try PyreftFolder.write(
                try peer.adapter(), to: folder.appendingPathComponent("pyreft/\(name)").path, model: peer.model)
        }
        let vectors = folder.appendingPathComponent("control_vectors")
        try FileManager.default.createDirectory(at: vectors, withIntermediateDirectories: true)
        for name in ["qwen2", "gpt2"] {
            let settings = try PeerFixtures.json("control_vectors/\(name)/case.json")
            let adapter = try ControlVector.adapter(
                at: PeerFixtures.folder.appendingPathComponent("control_vectors/\(name)/vector.gguf").path,
                for: try PeerFixtures.model(settings["model"] as? String ?? ""),
                strength: settings["strength"] as? Double ?? 1)
            try ControlVector.write(adapter, to: vectors.appendingPathComponent("\(name).gguf").path)
        }
    }
}
