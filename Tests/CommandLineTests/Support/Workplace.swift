import Foundation

/// A folder of its own for a test, with the tiny models of Tests/Fixtures under their names; removed at the end.
final class Workplace {
    let folder: URL

    static let models = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/models")

    init(models: String...) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("reft-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for model in models {
            try FileManager.default.copyItem(at: Self.models.appendingPathComponent(model), to: self[model])
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    subscript(name: String) -> URL { folder.appendingPathComponent(name) }

    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: self[name]) }
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: self[name]) }
    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self[name].path) }

    func reft(_ arguments: String...) throws -> ReftProcess.Outcome { try reft(arguments) }
    func reft(_ arguments: [String]) throws -> ReftProcess.Outcome {
        try ReftProcess(arguments, in: folder).finish()
    }

    /// A JSON object.
    func json(_ text: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
    }

    /// Gives a model the tokenizer whose token i is the word `wi`, parted by spaces.
    func addWordTokenizer(to model: String, vocabulary: Int = 96) throws {
        let words = Dictionary(uniqueKeysWithValues: (0..<vocabulary).map { ("w\($0)", $0) })
        let tokenizer: [String: Any] = [
            "version": "1.0", "added_tokens": [Any](), "pre_tokenizer": ["type": "WhitespaceSplit"],
            "model": ["type": "WordLevel", "vocab": words, "unk_token": "w0"],
        ]
        try JSONSerialization.data(withJSONObject: tokenizer).write(to: self["\(model)/tokenizer.json"])
    }

    /// Ten sequences of five tokens, the last two of them labels.
    func writeTrainingData(to name: String = "train.jsonl") throws {
        let rows = (0..<10).map { #"{"tokens": [1, \#($0 + 5), 9, 3, 7], "labels": [-100, -100, -100, 3, 7]}"# }
        try write(rows.joined(separator: "\n") + "\n", to: name)
    }

    /// A program of one declaration.
    static func program(
        _ intervention: String = #"{"type": "LoReFT", "rank": 2}"#,
        site: String = #"{"component": "block_output", "layers": [1]}"#, positions: String = #""all""#
    ) -> String {
        """
        {"format": "swift-reft/program", "version": 1, "declarations": [
          {"name": "edit", "intervention": \(intervention), "site": \(site), "positions": \(positions)}]}
        """
    }
}
