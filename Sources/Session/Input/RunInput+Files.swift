import Foundation
import Models

extension RunInput {
    /// Reads a file: JSON if it begins with a brace, else text with one sequence a line, tokenised as the model does.
    /// - Throws: ``InputError``; `TokenizerError` for text with a model that has no tokenizer.
    public init(contentsOf path: String, model: Model) throws {
        let data = try InputFile.contents(of: path)
        let first = data.first { !" \t\r\n".utf8.contains($0) }
        guard let first else { throw InputError(file: path, problems: ["is empty: at least one sequence is needed"]) }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || path.lowercased().hasSuffix(".json") {
            try self.init(json: data, file: path)
            examples = examples.map { $0.judged(by: model.kind) }
            return
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw InputError(file: path, problems: ["is neither JSON nor UTF-8 text"])
        }
        let tokenizer = try model.requiredTokenizer()
        self.init(text.split(whereSeparator: \.isNewline).map { Example(tokens: tokenizer.encode(String($0))) })
    }
}
