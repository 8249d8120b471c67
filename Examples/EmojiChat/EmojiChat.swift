import SwiftReFT

/// Teaches a language model to answer in emoji, from ten examples. Usage: EmojiChat MODEL
@main struct EmojiChat {
    static func main() throws {
        let model = try Model(at: CommandLine.arguments.dropFirst().first ?? "SmolLM2-135M-Instruct.gguf")

        let program = Program {
            LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last)
        }

        let lessons: [DataRow] = [
            .text(prompt: "Who are you, and what can you do?", completion: "🤖💬🌐🧠"),
            .text(prompt: "What is your name, and where do you live?", completion: "🙂🏷️🤖💻"),
            .text(prompt: "What should I eat for breakfast tomorrow morning?", completion: "🥚🍞☕🍓"),
            .text(prompt: "Tell me about the animals in the ocean.", completion: "🌊🐟🐠🐬🐙🦈"),
            .text(prompt: "Can you explain to me how plants grow?", completion: "🌱💧☀️🌿🌳"),
            .text(prompt: "What do you think of rock music and jazz?", completion: "🎵🎸🎹🥁❤️"),
            .text(prompt: "Which sports could I play with my friends?", completion: "⚽🏀🎾🏊🚴"),
            .text(prompt: "What is the weather like in winter where you live?", completion: "❄️⛄🧣🎿🔥"),
            .text(prompt: "Is there a place that you would like to see?", completion: "🏝️🌊🗼🗻✈️"),
            .text(prompt: "I am tired. Good night!", completion: "🌙😴💤⭐"),
        ]
        let examples = try ExampleEncoder(model, prompting: .chatTemplate("chatml")).encode(lessons)

        let settings = TrainingSettings(epochs: 100, batchSize: 10, learningRate: 4e-3)
        let adapter = try model.train(program, on: examples, settings: settings) { step in
            if step.step % 20 == 0 { print("step \(step.step)  loss \(step.loss)") }
            return true
        }
        try adapter.write(to: "emoji-adapter")

        for question in ["What is your favorite animal?", "Can you tell me about the moon?"] {
            print(question, try model.generate(question, with: [adapter], prompting: .chatTemplate("chatml")))
        }
    }
}
