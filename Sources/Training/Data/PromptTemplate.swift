import Session

/// How a row of a data set becomes a prompt.
public struct PromptTemplate: Hashable, Sendable {
    public var name: String
    let render: @Sendable (_ instruction: String, _ input: String) -> String

    /// A template under a name.
    public init(name: String, render: @escaping @Sendable (_ instruction: String, _ input: String) -> String) {
        self.name = name
        self.render = render
    }

    /// The prompt of an instruction and its (perhaps empty) input.
    public func prompt(instruction: String, input: String = "") -> String { render(instruction, input) }

    public static func == (left: PromptTemplate, right: PromptTemplate) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The text as it is; an input follows on a line of its own.
    public static let plain = PromptTemplate(name: "plain") { $1.isEmpty ? $0 : "\($0)\n\($1)" }

    /// Alpaca's prompt with and without input (Taori et al. 2023), which the ReFT paper uses for arithmetic and
    /// instruction following.
    public static let alpaca = PromptTemplate(name: "alpaca") { instruction, input in
        input.isEmpty
            ? """
            Below is an instruction that describes a task. Write a response that appropriately completes the request.

            ### Instruction:
            \(instruction)

            ### Response:

            """
            : """
            Below is an instruction that describes a task, paired with an input that provides further context. \
            Write a response that appropriately completes the request.

            ### Instruction:
            \(instruction)

            ### Input:
            \(input)

            ### Response:

            """
    }

    /// The instruction and a line break, as the ReFT paper does for commonsense tasks.
    public static let commonsense = PromptTemplate(name: "commonsense") { $1.isEmpty ? "\($0)\n" : "\($0)\n\($1)\n" }

    /// All templates that can be asked for by name.
    public static let known: [PromptTemplate] = [.plain, .alpaca, .commonsense]
}
