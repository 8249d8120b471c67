import Foundation
import Testing

@Suite struct ComputingOptionTests {
    @Test func precisionAndProfileGoWithEachCommandThatRuns() throws {
        let place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.writeTrainingData()
        let tokens = (0..<12).map { "\($0 + 5)" }.joined(separator: ", ")
        try place.write("{\"sequences\": [[\(tokens)]]}", to: "tokens.json")
        for precision in ["f32", "bf16"] {
            let run = try place.reft(
                "run", "llama", "--input", "tokens.json", "--output", precision, "--precision", precision, "--profile")
            #expect(run.code == 0)
            #expect(run.errors.hasPrefix("kernel"))
            #expect(run.errors.contains("\nmatmul 32 → 32 "))
        }
        #expect(try place.bytes("f32") != place.bytes("bf16"))
        let generated = try place.reft(
            "generate", "llama", "w5 w6", "--max-tokens", "3", "--precision", "bf16", "--profile")
        #expect(generated.code == 0 && generated.errors.contains("\nattention "))
        let trained = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--output", "a", "--rank", "2", "--layers", "0", "--positions",
            "l1", "--epochs", "1", "--precision", "bf16", "--profile")
        #expect(trained.code == 0 && trained.errors.contains("\nattentionGradient "))
    }

    @Test func unknownPrecisionsAreRefused() throws {
        let place = try Workplace(models: "llama")
        let outcome = try place.reft("run", "llama", "--input", "x", "--output", "y", "--precision", "f16")
        #expect(outcome.code == 2)
        #expect(
            outcome.errors.hasPrefix(
                "Error: The value 'f16' is invalid for '--precision <precision>'. Please provide one of 'f32', 'bf16' or 'int8'."
            ))
    }
}
