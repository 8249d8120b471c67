import Models
import Tokenizers

/// How the text of a prompt becomes tokens.
public enum Prompting: Hashable, Sendable {
    /// As it is.
    case plain
    /// As the user's message in the model's own chat template.
    case chat
    /// As the user's message in a chat template by name, such as `chatml`.
    case chatTemplate(String)
}

extension Model {
    /// The tokens of a prompt, as they stand before an answer in training and in generation.
    /// - Throws: `TokenizerError` for a model without a tokenizer, an unknown template, or a template that fails.
    public func promptTokens(_ text: String, _ prompting: Prompting = .plain) throws -> [Int32] {
        let tokenizer = try requiredTokenizer()
        return tokenizer.encode(
            try promptText(text, prompting), addSpecialTokens: prompting == .plain)
    }

    /// The text of a prompt once it stands in its template.
    /// - Throws: as ``promptTokens(_:_:)``.
    public func promptText(_ text: String, _ prompting: Prompting) throws -> String {
        let template: ChatTemplate
        switch prompting {
        case .plain:
            return text
        case .chatTemplate(let name):
            template = try ChatTemplate.named(name)
        case .chat:
            guard let own = try requiredTokenizer().chatTemplate else {
                throw SessionError.noChatTemplate(model: name, known: ChatTemplate.names)
            }
            template = own
        }
        return try template.render([ChatMessage(role: "user", content: text)])
    }

    /// Answers one prompt.
    ///
    /// ```swift
    /// print(try model.generate("Who are you?", with: [adapter], prompting: .chat))
    /// ```
    /// - Throws: whatever is wrong with the adapter, the prompt or the settings.
    public func generate(
        _ prompt: String, with adapters: [Adapter] = [], prompting: Prompting = .plain,
        settings: GenerationSettings = GenerationSettings()
    ) throws -> String {
        let session = try Session(self, adapters: adapters)
        let example = Example(tokens: try promptTokens(prompt, prompting))
        return try session.generate([example], settings: settings).first?.text ?? ""
    }
}
