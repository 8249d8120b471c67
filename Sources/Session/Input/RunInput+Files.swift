import Foundation
import Models

extension RunInput {
    /// Reads a file: JSON if it begins with a brace, else text with one sequence a line, tokenised as the model does.
    /// - Throws: ``InputError``; `TokenizerError` for text with a model that has no tokenizer.
    public init(contentsOf path: String, model: Model) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw InputError(file: path, problems: ["can not be read: \(error.localizedDescription)"])
        }
        let first = data.first { !" \t\r\n".utf8.contains($0) }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            try self.init(json: data, file: path)
            return
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw InputError(file: path, problems: ["is neither JSON nor UTF-8 text"])
        }
        let tokenizer = try model.requiredTokenizer()
        let lines = text.split(whereSeparator: \.isNewline)
        guard !lines.isEmpty else { throw InputError(file: path, problems: ["is empty: at least one line is needed"]) }
        self.init(lines.map { Example(tokens: tokenizer.encode(String($0))) })
    }
}
