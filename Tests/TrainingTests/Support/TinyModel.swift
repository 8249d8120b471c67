import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Session

@testable import Training

/// The tiny models of Tests/Fixtures, with a tokenizer where a test needs one.
enum TinyModel {
    private static let tests = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func path(_ name: String) -> String { tests.appendingPathComponent("Fixtures/models/\(name)").path }

    static func named(_ name: String) throws -> Model { try Model(at: path(name)) }

    /// A copy of a model with a tokenizer.json that knows `words`, parted by spaces; `</s>` is the end token.
    static func named(_ name: String, words: [String], in folder: URL) throws -> Model {
        let copy = folder.appendingPathComponent(name)
        try FileManager.default.copyItem(atPath: path(name), toPath: copy.path)
        let vocabulary = Dictionary(
            uniqueKeysWithValues: (["<unk>", "<s>", "</s>"] + words).enumerated().map { ($1, $0) })
        let added: [[String: Any]] = ["<unk>", "<s>", "</s>"].enumerated().map {
            [
                "id": $0, "content": $1, "special": true, "normalized": false, "lstrip": false, "rstrip": false,
                "single_word": false,
            ]
        }
        let tokenizer: [String: Any] = [
            "version": "1.0", "added_tokens": added, "pre_tokenizer": ["type": "WhitespaceSplit"],
            "model": ["type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"],
        ]
        try JSONSerialization.data(withJSONObject: tokenizer).write(to: copy.appendingPathComponent("tokenizer.json"))
        let configuration = #"{"eos_token": "</s>", "bos_token": "<s>"}"#
        try Data(configuration.utf8).write(to: copy.appendingPathComponent("tokenizer_config.json"))
        return try Model(at: copy.path)
    }

    static func loreft(layer: Int = 1, positions: Positions = .last(1)) -> Program {
        Program { LoReFT(rank: 2).on(.blockOutput, layer: layer).at(positions) }
    }

    /// Ten sequences of five tokens, the last two of them labels.
    static let examples: [Example] = (Int32(5)..<15).map { (token: Int32) -> Example in
        let labels: [Int32] = [-100, -100, -100, 3, token + 15]
        return Example(tokens: [1, token, 9, 3, token + 15], target: .tokens(labels))
    }
}

/// Calls `body` with a new folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
