import Foundation
import JSON

/// One message of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// Who speaks: `system`, `user`, `assistant`, or what else the model knows.
    public var role: String
    /// What is said.
    public var content: String

    /// A message.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// Turns a conversation into the text that a model was trained on.
///
/// Templates are Jinja, rendered as `transformers` does in `apply_chat_template`.
///
///     let template = try ChatTemplate.named("chatml")
///     let prompt = try template.render([ChatMessage(role: "user", content: "Hi")])
///     let ids = tokenizer.encode(prompt, addSpecialTokens: false)
public struct ChatTemplate: Sendable {
    /// The template as written.
    public let source: String
    private let body: [TemplateStatement]
    private let tokens: [String: TemplateValue]

    /// Compiles a template.
    /// - Parameters:
    ///   - bosToken: what the template's `bos_token` stands for; `eosToken` likewise.
    /// - Throws: `TokenizerError.template` with the line and the construct that is not understood.
    public init(_ source: String, bosToken: String? = nil, eosToken: String? = nil) throws(TokenizerError) {
        self.source = source
        body = try TemplateParser.parse(source)
        var tokens: [String: TemplateValue] = [:]
        if let bosToken { tokens["bos_token"] = .string(bosToken) }
        if let eosToken { tokens["eos_token"] = .string(eosToken) }
        self.tokens = tokens
    }

    /// Renders a conversation.
    /// - Parameters:
    ///   - addGenerationPrompt: whether the text ends where the assistant's answer begins.
    ///   - variables: further variables of the template, such as `tools`.
    ///   - date: what `strftime_now` tells.
    /// - Throws: `TokenizerError.templateRefused` when the template does not allow these messages.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true, variables: [String: JSONValue] = [:],
        date: Date = Date()
    ) throws(TokenizerError) -> String {
        let list = messages.map { message in
            JSONValue.object([.init("role", .string(message.role)), .init("content", .string(message.content))])
        }
        return try render(
            messages: .array(list), addGenerationPrompt: addGenerationPrompt, variables: variables, date: date)
    }

    /// Renders a conversation given as JSON, for messages with more than role and content.
    public func render(
        messages: JSONValue, addGenerationPrompt: Bool = true, variables: [String: JSONValue] = [:], date: Date = Date()
    ) throws(TokenizerError) -> String {
        var scope = tokens
        scope["messages"] = TemplateValue(messages)
        scope["add_generation_prompt"] = .bool(addGenerationPrompt)
        scope["tools"] = TemplateValue.none
        scope["documents"] = TemplateValue.none
        for (name, value) in variables { scope[name] = TemplateValue(value) }
        return try TemplateInterpreter.render(body, scope, date: date)
    }
}
