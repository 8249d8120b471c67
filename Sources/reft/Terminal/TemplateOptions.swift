import ArgumentParser
import SwiftReFT

/// --chat and --template, which training and generation have in common.
struct TemplateOptions: ParsableArguments {
    @Flag(help: "Put prompts into the model's chat template, as the user's message.") var chat = false
    @Option(
        help: """
            Put prompts into a template by name: plain, alpaca or commonsense for instructions, or a chat template such \
            as chatml.
            """) var template: String?

    func validate() throws {
        if chat && template != nil { throw ValidationError("give either --chat or --template, not both") }
    }

    /// An encoder of rows and prompts.
    func encoder(_ model: Model, maximumLength: Int? = nil) throws -> ExampleEncoder {
        var encoder = ExampleEncoder(model, prompting: chat ? .chat : .plain, maximumLength: maximumLength)
        if chat, model.tokenizer != nil, model.tokenizer?.chatTemplate == nil {
            throw CommandError("--chat: \(SessionError.noChatTemplate(model: model.name, known: ChatTemplate.names))")
        }
        if let template { try encoder.use(templateNamed: template) }
        return encoder
    }
}
