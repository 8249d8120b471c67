import Foundation
import Testing

@Suite struct TrainCommandTests {
    private static let small = ["--rank", "2", "--layers", "1", "--positions", "-1", "--batch-size", "4"]

    private func train(_ place: Workplace, _ output: String, _ more: String...) throws -> ReftProcess.Outcome {
        try place.reft(["train", "llama", "--data", "train.jsonl", "--output", output] + Self.small + more)
    }

    @Test func oneSeedGivesTheSameBytesAndTheLossFalls() throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let first = try train(place, "a", "--epochs", "5", "--dropout", "0.1", "--log", "log.jsonl", "--json")
        #expect(first.code == 0)
        #expect(try train(place, "b", "--epochs", "5", "--dropout", "0.1").code == 0)
        #expect(try train(place, "c", "--epochs", "5", "--dropout", "0.1", "--seed", "1").code == 0)
        #expect(try place.bytes("a/parameters.safetensors") == place.bytes("b/parameters.safetensors"))
        #expect(try place.bytes("a/parameters.safetensors") != place.bytes("c/parameters.safetensors"))
        let steps = try place.text("log.jsonl").split(separator: "\n").map { try place.json(String($0)) }
        #expect(steps.count == 15)
        #expect(steps.map { $0["step"] as? Int } == Array(1...15))
        #expect(steps.first?["rows"] as? Int == 20 && steps.first?["labels"] as? Int == 8)
        #expect(steps.first?["learning_rate"] as? Double == 4e-3)
        let losses = steps.compactMap { $0["loss"] as? Double }
        #expect(losses.suffix(3).reduce(0, +) < losses.prefix(3).reduce(0, +))
        let report = try place.json(first.output)
        #expect((report["summary"] as? [String: Any])?["trained_parameters"] as? Int == 130)
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: place["a"].path)) == [
                "adapter.json", "parameters.safetensors",
            ])
    }

    @Test func checkTrainsNothing() throws {
        let place = try Workplace(models: "llama")
        try place.write(#"{"tokens": [1, 5, 9, 3], "labels": [-100, -100, 9, 3]}"#, to: "train.jsonl")
        let outcome = try train(place, "a", "--check")
        #expect(
            outcome.output == """
                1 examples, 4 tokens, 2 labels
                130 parameters to train:
                  loreft.1.rotation  [32, 2]  64
                  loreft.1.weight  [2, 32]  64
                  loreft.1.bias  [1, 2]  2
                computes what attention gives again: values of a batch take 0.0 MB instead of 0.0 MB
                An epoch computes 0 of 8 rows × layers, reads 8 from the store; 0 are read by nobody

                example 0: 4 tokens, prompt of 2
                position  token  text  edited by  label
                0         1                       
                1         5            -1         
                2         9                       label
                3         3                       label

                """)
        #expect(outcome.code == 0 && !place.exists("a"))
        let json = try place.json(try train(place, "a", "--check", "--json").output)
        #expect(json["trainedParameters"] as? Int == 130)
    }

    @Test func startsFromAnAdapterAndRunsWithIt() throws {
        let place = try Workplace(models: "llama", "gpt2")
        try place.writeTrainingData()
        #expect(try train(place, "a", "--epochs", "5").code == 0)
        let further = [
            "train", "llama", "--data", "train.jsonl", "--output", "b", "--start-from", "a", "--epochs", "1",
            "--no-shuffle", "--log", "log.jsonl", "--batch-size", "10",
        ]
        #expect(try place.reft(further).code == 0)
        // The first loss is that of the adapter it starts from.
        try place.write(
            #"{"sequences": [\#((5..<15).map { "[1,\($0),9,3,7]" }.joined(separator: ","))], "#
                + #""labels": [\#(Array(repeating: "[-100,-100,-100,3,7]", count: 10).joined(separator: ","))]}"#,
            to: "input.json")
        let run = try place.reft(
            "run", "llama", "--input", "input.json", "--output", "out", "--adapter", "a", "--json")
        let loss = try #require(try place.json(run.output)["loss"] as? Double)
        let first = try #require(try place.json(try place.text("log.jsonl"))["loss"] as? Double)
        #expect(abs(loss - first) <= 1e-5 * loss)
        let other = try place.reft("run", "gpt2", "--input", "input.json", "--output", "out2", "--adapter", "a")
        #expect(
            other
                == .init(
                    code: 2, output: "",
                    errors: "Error: a was trained on another model than gpt2: "
                        + "the architecture is 'llama' in one and 'gpt2' in the other\n"))
        #expect(!place.exists("out2"))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func anInterruptedTrainingGoesOnExactly(signal: Int32) throws {
        let place = try Workplace(models: "llama")
        try place.writeTrainingData()
        let epochs = ["--epochs", "300", "--dropout", "0.1"]
        let arguments = ["train", "llama", "--data", "train.jsonl"] + Self.small + epochs
        #expect(try place.reft(arguments + ["--output", "whole"]).code == 0)
        let interrupted = arguments + ["--output", "parts", "--log", "log.jsonl"]
        let process = try ReftProcess(interrupted, in: place.folder)
        while process.process.isRunning, ((try? place.bytes("log.jsonl"))?.count ?? 0) < 500 { usleep(2000) }
        kill(process.process.processIdentifier, signal)
        let outcome = try process.finish()
        #expect(outcome.code == 130)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasSuffix(" of 900; add --resume to the command to go on\n"))
        #expect(!place.exists("parts/adapter.json"))
        let others = try place.reft(interrupted + ["--resume", "--seed", "7", "--positions", "f1"])
        #expect(others.code == 2)
        #expect(others.errors.hasSuffix("parts/checkpoint/state.json: was saved with other settings and program\n"))
        #expect(try place.reft(interrupted + ["--resume"]).code == 0)
        #expect(try place.bytes("parts/parameters.safetensors") == place.bytes("whole/parameters.safetensors"))
        #expect(try place.text("log.jsonl").split(separator: "\n").count == 900)
        #expect(!place.exists("parts/checkpoint"))
    }

    @Test func classifiersTrainOnTokens() throws {
        let place = try Workplace(models: "bert")
        try place.write(
            (0..<6).map { #"{"tokens": [\#($0 + 3), 9, 4], "label": \#($0 % 3)}"# }.joined(separator: "\n"),
            to: "train.jsonl")
        let outcome = try place.reft(
            "train", "bert", "--data", "train.jsonl", "--output", "a", "--positions", "f1", "--epochs", "20",
            "--log", "log.jsonl", "--batch-size", "6", "--learning-rate", "0.02")
        #expect(outcome.code == 0)
        let losses = try place.text("log.jsonl").split(separator: "\n").compactMap {
            try place.json(String($0))["loss"] as? Double
        }
        #expect(losses.count == 20 && (losses.last ?? 9) < 0.7 * (losses.first ?? 0))
    }
}
