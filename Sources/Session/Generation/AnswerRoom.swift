import Models

/// How long the answer to a prompt may become, and what is said of an answer that is as long.
struct AnswerRoom: Hashable, Sendable {
    var tokens: Int
    var ending: GeneratedText.Ending

    init(prompt: Int, _ settings: GenerationSettings, _ sizes: ModelSizes) {
        tokens = settings.maximumTokens
        ending = .length
        if let longest = settings.maximumLength { tokens = min(tokens, longest - prompt) }
        let context = sizes.positionLimit ?? (settings.goesBeyondContext ? nil : sizes.context)
        if let context, context - prompt < tokens {
            tokens = context - prompt
            ending = .context
        }
    }

    /// The rooms of prompts, or why some of them leave no room for an answer.
    static func rooms(
        for prompts: [Example], _ settings: GenerationSettings, _ model: Model
    ) throws(InputError) -> [AnswerRoom] {
        let rooms = prompts.map { AnswerRoom(prompt: $0.tokens.count, settings, model.sizes) }
        let problems = rooms.enumerated().filter { $1.tokens < 1 }.map { index, room in
            let size = "sequence \(index) has \(prompts[index].tokens.count) tokens"
            guard room.ending == .context else {
                return "\(size), which leaves no room for an answer within --max-length \(settings.maximumLength ?? 0)"
            }
            let remedy = model.sizes.positionLimit == nil ? "; --beyond-context goes on all the same" : ""
            return "\(size); the model's context of \(model.sizes.context) leaves no room for an answer\(remedy)"
        }
        guard problems.isEmpty else { throw InputError(file: "input", problems: problems) }
        return rooms
    }
}
