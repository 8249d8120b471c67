import Models
import Session
import Tokenizers

/// Turns rows of a data set into examples: tokens, with labels on what follows the prompt and on the end token.
public struct ExampleEncoder: Sendable {
    public let model: Model
    /// What an instruction with its input becomes.
    public var template: PromptTemplate
    /// What stands around that: nothing, or a chat template.
    public var prompting: Prompting
    /// Longer examples are cut at the end; nil keeps all.
    public var maximumLength: Int?

    /// An encoder for a model. Rows of tokens need no tokenizer.
    public init(
        _ model: Model, template: PromptTemplate = .plain, prompting: Prompting = .plain, maximumLength: Int? = nil
    ) {
        self.model = model
        self.template = template
        self.prompting = prompting
        self.maximumLength = maximumLength
    }

    /// The examples of all rows.
    /// - Throws: ``InputError`` with every row that can not be used.
    public func encode(_ rows: [DataRow], file: String = "data") throws(InputError) -> [Example] {
        var (examples, problems): ([Example], [String]) = ([], [])
        for (index, row) in rows.enumerated() {
            do {
                let example = try encode(row)
                if example.target.isOfTokens, example.judgedRows.isEmpty {
                    let limit = maximumLength.map { " within the first \($0) tokens" } ?? ""
                    problems.append("row \(index): no label is left\(limit)")
                }
                examples.append(example)
            } catch let error as InputError {
                problems += error.problems.map { "row \(index): \($0)" }
            } catch {
                // A model without a tokenizer or template fails each row alike.
                problems.append("row \(index): \(error)")
                break
            }
        }
        guard problems.isEmpty else { throw InputError(file: file, problems: problems) }
        return examples
    }

    /// The example of one row, with its positions and the examples of its source runs.
    /// - Throws: ``InputError`` for a label that fits no example, what the tokenizer says.
    public func encode(_ row: DataRow) throws -> Example {
        var example = try encode(row.content)
        example.fields = row.positions
        example.subspaces = row.subspaces
        example.adapterIndex = row.adapterIndex
        example.sources = try row.sources.mapValues(encode)
        return example.judged(by: model.kind)
    }

    private func encode(_ content: DataRow.Content) throws -> Example {
        switch content {
        case .text(let text, let completion):
            guard template == .plain else {
                throw InputError(
                    file: "data",
                    problems: [
                        "it has a prompt, and the template '\(template.name)' makes one of an instruction; give "
                            + "instruction and output, or another template"
                    ])
            }
            return try example(prompt: text, completion: completion)
        case .instruction(let instruction, let input, let output):
            return try example(prompt: template.prompt(instruction: instruction, input: input), completion: output)
        case .classified(let sentence, let pair, let label):
            return try classified(sentence, pair, label)
        case .tokens(let tokens, let labels, let promptLength):
            let kept = min(tokens.count, maximumLength ?? tokens.count)
            return Example(
                tokens: Array(tokens.prefix(kept)), target: .tokens(Array(labels.prefix(kept))),
                promptLength: promptLength.map { $0 > kept && kept < tokens.count ? kept : $0 })
        case .classifiedTokens(let tokens, let label):
            let kept = min(tokens.count, maximumLength ?? tokens.count)
            return Example(tokens: Array(tokens.prefix(kept)), target: try target(label), promptLength: kept)
        case .prompt(let text):
            return try example(prompt: text)
        case .instructionPrompt(let instruction, let input):
            return try example(prompt: template.prompt(instruction: instruction, input: input))
        case .promptTokens(let tokens, let promptLength):
            let kept = min(tokens.count, maximumLength ?? tokens.count)
            return Example(tokens: Array(tokens.prefix(kept)), promptLength: promptLength.map { min($0, kept) })
        }
    }

    private func example(prompt: String) throws -> Example {
        let tokens = try model.promptTokens(prompt, prompting)
        return Example(tokens: Array(tokens.prefix(maximumLength ?? tokens.count)))
    }

    /// The whole text is tokenised at once, as at inference. Where that joins the end of the prompt with the start of
    /// the completion, both are tokenised alone, so that the prompt has the tokens that generation will see.
    private func example(prompt: String, completion: String) throws -> Example {
        guard model.kind != .maskedLanguageModel else {
            throw InputError(
                file: "data",
                problems: ["a masked language model continues no prompt; give tokens with their labels, −100 elsewhere"]
            )
        }
        let tokenizer = try model.requiredTokenizer()
        let addsSpecialTokens = prompting == .plain
        let text = try model.promptText(prompt, prompting)
        let promptTokens = tokenizer.encode(text, addSpecialTokens: addsSpecialTokens)
        var tokens = tokenizer.encode(text + completion, addSpecialTokens: addsSpecialTokens)
        if !tokens.starts(with: promptTokens) {
            tokens = promptTokens + tokenizer.encode(completion, addSpecialTokens: false)
        }
        if let end = tokenizer.eos, tokens.last != end { tokens.append(end) }
        let kept = min(tokens.count, maximumLength ?? tokens.count)
        let promptLength = min(promptTokens.count, kept)
        let labels = tokens[..<kept].enumerated().map { $0.offset < promptLength ? Example.ignoredLabel : $0.element }
        return Example(tokens: Array(tokens.prefix(kept)), target: .tokens(labels), promptLength: promptLength)
    }

    private func classified(_ sentence: String, _ pair: String?, _ label: Double) throws -> Example {
        let tokenizer = try model.requiredTokenizer()
        let encoding = pair.map { tokenizer.encode(sentence, pair: $0) } ?? tokenizer.encodeWithOffsets(sentence)
        let kept = min(encoding.ids.count, maximumLength ?? encoding.ids.count)
        let types = encoding.types.isEmpty ? [Int32](repeating: 0, count: kept) : Array(encoding.types.prefix(kept))
        return Example(
            tokens: Array(encoding.ids.prefix(kept)), target: try target(label), promptLength: kept,
            tokenTypes: types)
    }

    private func target(_ label: Double) throws(InputError) -> Example.Target {
        if model.kind.predictsNumbers { return .number(Float(label)) }
        if let category = Int32(exactly: label) { return .category(category) }
        throw InputError(file: "data", problems: ["the label \(label) is no class, which is a whole number"])
    }
}
