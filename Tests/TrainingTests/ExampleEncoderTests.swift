import Models
import Session
import Testing

@testable import Training

@Suite struct ExampleEncoderTests {

    @Test func labelsStandOnTheCompletionAndTheEnd() throws {
        try withTemporaryFolder { folder in
            let model = try TinyModel.named("llama", words: ["a", "b", "c", "ab"], in: folder)
            let encoder = ExampleEncoder(model)
            let examples = try encoder.encode([
                .text(prompt: "a b", completion: " c"), .instruction("a", input: "b", output: "\nc"),
                // The whole text is one word: prompt and completion are tokenised alone.
                .text(prompt: "a", completion: "b"),
            ])
            #expect(
                examples == [
                    Example(tokens: [3, 4, 5, 2], target: .tokens([-100, -100, 5, 2]), promptLength: 2),
                    Example(tokens: [3, 4, 5, 2], target: .tokens([-100, -100, 5, 2]), promptLength: 2),
                    Example(tokens: [3, 4, 2], target: .tokens([-100, 4, 2]), promptLength: 1),
                ])
            let short = ExampleEncoder(model, maximumLength: 3)
            #expect(
                try short.encode([.text(prompt: "a b", completion: " c")])
                    == [Example(tokens: [3, 4, 5], target: .tokens([-100, -100, 5]), promptLength: 2)])
            #expect { try short.encode([.text(prompt: "a b c a", completion: " c")], file: "d") } throws: {
                "\($0)" == "d: row 0: no label is left within the first 3 tokens"
            }
        }
    }

    @Test func tokensKeepTheirLabelsAndClassesBecomeTargets() throws {
        let rows: [DataRow] = [.tokens([1, 5, 6], labels: [-100, 5, 6], promptLength: nil)]
        #expect(
            try ExampleEncoder(TinyModel.named("llama"), maximumLength: 2).encode(rows)
                == [Example(tokens: [1, 5], target: .tokens([-100, 5]))])
        let classified: [DataRow] = [.classifiedTokens([1, 5], label: 2)]
        #expect(
            try ExampleEncoder(TinyModel.named("bert")).encode(classified)
                == [Example(tokens: [1, 5], target: .category(2), promptLength: 2)])
        #expect(
            try ExampleEncoder(TinyModel.named("bert-regression")).encode(classified)
                == [Example(tokens: [1, 5], target: .number(2), promptLength: 2)])
        #expect {
            try ExampleEncoder(TinyModel.named("bert")).encode([.classifiedTokens([1], label: 0.5)], file: "d")
        } throws: { "\($0)" == "d: row 0: the label 0.5 is no class, which is a whole number" }
    }

    /// The first row tells all there is to say of a model without a tokenizer.
    @Test func textNeedsATokenizer() throws {
        let encoder = ExampleEncoder(try TinyModel.named("llama"))
        let rows = [DataRow](repeating: .text(prompt: "a", completion: "b"), count: 3)
        #expect { try encoder.encode(rows, file: "d") } throws: {
            "\($0)"
                == "d: row 0: no tokenizer in \(TinyModel.path("llama")): "
                + "looked for tokenizer.json, vocab.json with merges.txt, vocab.txt"
        }
    }

    /// A prompt of generation has the tokens that the instruction had in training.
    @Test func instructionsMeanTheSameInTrainingAndInGeneration() throws {
        try withTemporaryFolder { folder in
            let words = ["a", "b", "c", "###", "Response:", "Instruction:", "task."]
            var encoder = ExampleEncoder(try TinyModel.named("llama", words: words, in: folder))
            for name in ["plain", "alpaca", "commonsense", "chatml"] {
                try encoder.use(templateNamed: name)
                for input in ["", "b"] {
                    let trained = try encoder.encode(.instruction("a", input: input, output: " c"))
                    let prompt = try encoder.encode(DataRow(.instructionPrompt("a", input: input)))
                    #expect(Array(trained.tokens.prefix(trained.promptLength)) == prompt.tokens, "\(name)")
                }
            }
        }
    }

    @Test func templatesAreKnownByName() throws {
        func encoder(_ name: String) throws -> ExampleEncoder {
            var encoder = ExampleEncoder(try Model(at: TinyModel.path("llama")))
            try encoder.use(templateNamed: name)
            return encoder
        }
        #expect(try encoder("commonsense").template.prompt(instruction: "x") == "x\n")
        #expect(try encoder("alpaca").template.prompt(instruction: "x", input: "y").contains("### Input:\ny\n"))
        #expect(try encoder("chatml").prompting == .chatTemplate("chatml"))
        for name in ExampleEncoder.templateNames { _ = try encoder(name) }
        #expect { try encoder("alpace") } throws: {
            "\($0)"
                == "--template: unknown template 'alpace'; known: plain, alpaca, commonsense, chatml, smollm2, qwen2, "
                + "qwen2.5, llama2, llama3, mistral, gemma, phi3, zephyr; did you mean 'alpaca'?"
        }
        #expect { try encoder("alpaca").encode([.text(prompt: "a", completion: "b")], file: "d") } throws: {
            "\($0)"
                == "d: row 0: it has a prompt, and the template 'alpaca' makes one of an instruction; give instruction and "
                + "output, or another template"
        }
    }
}
