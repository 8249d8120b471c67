import Foundation
import SwiftReFT

/// Teaches a language model to answer in emoji, from ten examples.
/// Usage, from the package's folder: swift run -c release EmojiChat MODEL
@main struct EmojiChat {
    static func main() throws {
        let model = try Model(at: CommandLine.arguments.dropFirst().first ?? "SmolLM2-135M-Instruct.gguf")

        let program = Program {
            LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last)
        }

        // Ten pairs: {"prompt": "I am tired. Good night!", "completion": "🌙😴💤⭐"}
        let lessons = try DataRow.read(URL(fileURLWithPath: "Examples/Data/emoji_train.jsonl"))
        let examples = try ExampleEncoder(model, prompting: .chatTemplate("chatml")).encode(lessons)

        let settings = TrainingSettings(epochs: 100, batchSize: 10, learningRate: 4e-3)
        let adapter = try model.train(program, on: examples, settings: settings) { step in
            if step.step % 20 == 0 { print("step \(step.step)  loss \(step.loss)") }
            return true
        }
        try adapter.write(to: "emoji-adapter")

        for question in ["What is your favorite animal?", "What should I cook for dinner tonight?"] {
            print(question, try model.generate(question, with: [adapter], prompting: .chatTemplate("chatml")))
        }
    }
}
