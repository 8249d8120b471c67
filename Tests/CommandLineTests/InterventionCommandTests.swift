import Checkpoints
import Foundation
import Testing

/// Presets beside the ReFT family, the seed of a run, subspaces in files and on the command line.
@Suite struct InterventionCommandTests {
    @Test func otherPresetsTrainAndRun() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        try place.write(#"{"sequences": [[1, 2, 3]]}"#, to: "input.json")
        // r(n + d) for two projections of 32 to 32, DoRA with a magnitude for each output, the bottleneck with biases.
        for (preset, count) in [("lora", 256), ("dora", 320), ("bottleneck", 324)] {
            let outcome = try place.reft(
                "train", "llama", "--data", "train.jsonl", "--output", preset, "--preset", preset, "--rank", "2",
                "--layers", "1", "--epochs", "1", "--json")
            #expect(outcome.code == 0, "\(outcome.errors)")
            let summary = try place.json(outcome.output)["summary"] as? [String: Any]
            #expect(summary?["trained_parameters"] as? Int == count, "\(preset)")
            #expect(
                try place.reft("run", "llama", "--input", "input.json", "--output", "out", "--adapter", preset).code
                    == 0)
        }
        let one = try place.reft(
            "train", "llama", "--data", "train.jsonl", "--output", "one", "--preset", "lora", "--rank", "2", "--layers",
            "1", "--component", "mlp_output", "--alpha", "4", "--epochs", "1")
        #expect(one.code == 0)
        #expect(try place.text("one/adapter.json").contains("lora-mlp_output"))
    }

    @Test func presetOptionsAreChecked() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        func message(_ more: String...) throws -> String {
            let outcome = try place.reft(["train", "llama", "--data", "train.jsonl", "--output", "a"] + more)
            #expect(outcome.code == 2)
            return String(outcome.errors.split(separator: "\n").first ?? "")
        }
        #expect(try message("--alpha", "2") == "Error: --alpha goes with --preset lora or dora")
        #expect(
            try message("--preset", "lorra")
                == "Error: unknown preset 'lorra'; known: loreft, noreft, consreft, lobireft, direft, nodireft, lora, "
                + "dora, bottleneck, none; did you mean 'lora'?")
        #expect(try message("--component", "mlp_output,") == "Error: --component 'mlp_output,': a name is empty")
    }

    @Test func aSeedDecidesNoise() throws {
        let place = try Workplace(models: "llama")
        try place.write(#"{"sequences": [[1, 2, 3], [4, 5]]}"#, to: "input.json")
        try place.write(
            """
            {"format": "swift-reft/program", "version": 1, "declarations": [
             {"intervention": {"type": "Noise", "level": 1}, "site": "block_output.0", "positions": "all"},
             {"intervention": {"type": "ResampleAblation"}, "site": "block_output.1", "positions": "l1"}]}
            """, to: "program.json")
        func bytes(_ name: String, _ more: String...) throws -> Data {
            let outcome = try place.reft(
                ["run", "llama", "--input", "input.json", "--output", name, "--program", "program.json"] + more)
            #expect(outcome.code == 0, "\(outcome.errors)")
            return try place.bytes(name)
        }
        let first = try bytes("a", "--seed", "3")
        #expect(try bytes("b", "--seed", "3") == first)
        #expect(try bytes("c", "--seed", "4") != first && bytes("d") != first)
    }

    @Test func subspacesAreChosen() throws {
        let place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        try place.write(
            """
            {"format": "swift-reft/program", "version": 1, "declarations": [
             {"name": "steer", "intervention": {"type": "Scale", "factor": -3}, "site": "block_output.1",
              "positions": "all", "subspace": {"left": [0, 1, 2, 3, 4, 5, 6, 7], "right": [8, 9, 10, 11]}}]}
            """, to: "program.json")
        func tokens(_ more: String...) throws -> [[Int]] {
            let outcome = try place.reft(
                ["generate", "llama", "w19 w64", "--program", "program.json", "--max-tokens", "6", "--json"] + more)
            #expect(outcome.code == 0, "\(outcome.errors)")
            let answers = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
            return answers.compactMap { $0["tokens"] as? [Int] }
        }
        let (all, left) = (try tokens(), try tokens("--subspace", "steer=left"))
        #expect(try tokens("--subspace", "steer=0,1,2,3,4,5,6,7") == left)
        #expect(try left != all && tokens("--subspace", "steer=") != left)
        let wrong = try place.reft(
            "generate", "llama", "w19", "--program", "program.json", "--subspace", "steer=lft")
        #expect(wrong.code == 2)
        #expect(
            wrong.errors.contains(
                "the subspace of 'steer' has no part 'lft'; it has: left, right; did you mean 'left'?"))
        let damaged = try place.reft("generate", "llama", "w19", "--program", "program.json", "--subspace", "left")
        #expect(
            damaged.errors.hasPrefix(
                "Error: --subspace 'left' must be NAME=PARTS or NAME=COORDINATES, as loreft=style,topic"))
    }
}
