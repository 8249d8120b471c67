import Diagnostics
import Models
import Session
import Tokenizers

extension ExampleEncoder {
    /// The names that ``use(templateNamed:)`` knows: what an instruction becomes, then chat templates.
    public static var templateNames: [String] { PromptTemplate.known.map(\.name) + ChatTemplate.names }

    /// Puts rows into a template by name: `plain`, `alpaca` or `commonsense`, which make a prompt of an instruction and
    /// its input, or a chat template such as `chatml`, in which the prompt is the user's message.
    ///
    /// Training and generation take the same names and mean the same by them.
    /// - Throws: ``InputError`` with the names that are known.
    public mutating func use(templateNamed name: String) throws(InputError) {
        if let known = PromptTemplate.known.first(where: { $0.name == name }) {
            (template, prompting) = (known, .plain)
        } else if ChatTemplate.names.contains(name) {
            (template, prompting) = (.plain, .chatTemplate(name))
        } else {
            let known = Self.templateNames
            throw InputError(
                file: "--template",
                problems: [
                    "unknown template '\(name)'; known: \(known.joined(separator: ", "))"
                        + suggestion(for: name, among: known)
                ])
        }
    }
}
